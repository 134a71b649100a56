"""The map and the reading of Rust that the house rules rest on."""

from pathlib import Path

from tests.map import Room, knots, room_of, rust_rooms
from tests.rust_source import code_of, functions


def crate(root: Path, **files: str) -> list[Room]:
    for name, text in files.items():
        path = root / "src" / f"{name.replace('__', '/')}.rs"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return rust_rooms(root)


def circles(rooms: list[Room]) -> list[list[str]]:
    return [circle for room in rooms for circle in room.circles]


def test_levels_and_circles() -> None:
    graph = {"top": {"a"}, "a": {"b"}, "b": {"a", "low"}, "low": set()}
    assert knots(graph) == [["low"], ["a", "b"], ["top"]]
    room = room_of("room", graph)
    assert (room.levels, room.circles) == ([["low"], ["a", "b"], ["top"]], [["a", "b"]])


def test_a_name_that_is_passed_on_leads_to_where_it_is_defined(tmp_path: Path) -> None:
    rooms = crate(
        tmp_path,
        lib="mod a; mod b; pub use a::{A, make as build};",
        a="use crate::b::B; pub struct A(B); pub fn make() {}",
        b="pub struct B; pub fn f() { crate::build(); }",
    )
    assert circles(rooms) == [["a", "b"]]


def test_a_folder_and_its_own_file_are_in_a_circle_if_each_uses_what_the_other_defines(
    tmp_path: Path,
) -> None:
    files = {"lib": "mod room;", "room__child": "use super::Parent; pub fn f(_: Parent) {}"}
    assert (
        circles(crate(tmp_path, **files, room__mod="mod child; pub struct Parent; pub use child::f;")) == []
    )
    assert circles(
        crate(tmp_path, **files, room__mod="mod child; pub struct Parent; fn g() { child::f(Parent) }")
    ) == [["(own file)", "child"]]


def test_tests_comments_and_texts_use_nothing(tmp_path: Path) -> None:
    used = """
    // crate::a::A
    /// [`crate::a::A`]
    pub const TEXT: &str = "crate::a::A";
    #[cfg(test)]
    mod tests { use crate::a::A; }
    """
    assert circles(crate(tmp_path, lib="mod a; mod b;", a="use crate::b::TEXT; pub struct A;", b=used)) == []


def test_a_macro_is_used_where_it_is_called(tmp_path: Path) -> None:
    lib = "macro_rules! make { () => {} } mod a; fn f() { a::g() }"
    assert circles(crate(tmp_path, lib=lib, a="make! {} pub fn g() {}")) == [["(own file)", "a"]]


def test_a_function_is_as_long_as_its_body() -> None:
    text = "\n".join(
        [
            "// Long: one arm a case.",
            "fn one<'a>(text: &'a str) -> [u8; 4] {",
            '    let _ = ("}", b"{", \'{\', r#"" }"#, "\\"{");  // }',
            "    /* } */",
            "}",
            "",
            "trait T { fn none(&self); fn two(&self) -> u8 {",
            "    1 } }",
            "#[cfg(test)]",
            "mod tests { fn three() {} }",
        ]
    )
    assert code_of(text).count("\n") == text.count("\n")
    found = [(function.name, function.line, function.lines, function.reason) for function in functions(text)]
    assert found == [("one", 2, 4, True), ("two", 7, 2, False)]
