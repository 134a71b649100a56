from hypothesis import given
from hypothesis import strategies as st

from wainwright.sandbox.output import BoundedOutput


@given(st.lists(st.binary(max_size=50)), st.integers(2, 60))
def test_head_and_tail_are_kept_and_the_rest_is_counted(chunks: list[bytes], bytes_max: int):
    output = BoundedOutput(bytes_max)
    for chunk in chunks:
        output.add(chunk)
    whole = b"".join(chunks)
    kept = bytes(output._head + output._tail)
    assert len(kept) == min(len(whole), bytes_max)
    assert output.bytes_cut == len(whole) - len(kept)
    assert whole.startswith(bytes(output._head))
    assert whole.endswith(bytes(output._tail))


def test_the_cut_is_told_where_it_happened():
    output = BoundedOutput(4)
    output.add(b"abcdefgh")
    assert output.text() == "ab\n[... 4 bytes cut ...]\ngh"


def test_nul_and_bytes_that_are_no_text_are_replaced():
    output = BoundedOutput(10)
    output.add(b"a\0\xff\xc3")
    output.add(b"\xa9")
    assert output.text() == "a\ufffd\ufffd\u00e9"
