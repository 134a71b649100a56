"""What providers say when they refuse a request."""

import pytest

from wainwright.models.refusals import mendable, told_output, told_window


@pytest.mark.parametrize(
    ("told", "window", "asked"),
    [
        (
            "openai/gpt-4-1106-preview: the conversation is too long for the model: This model's maximum context "
            "length is 16384 tokens. However, your messages resulted in 19000 tokens.",
            16384,
            19000,
        ),
        ("anthropic/claude-x-20990101: prompt is too long: 208310 tokens > 200000 maximum", 200000, 208310),
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            1048576,
            1200000,
        ),
        ("the request exceeds the available context size (8192 tokens), try increasing it", 8192, None),
        (
            "maximum context length is 8,192 tokens. However, you requested 10,000 tokens (8,000 in the messages, "
            "2,000 in the completion)",
            8192,
            10000,
        ),
        ("Input length (9000) exceeds model's maximum context length (8192)", 8192, 9000),
        ("Please reduce the length of the messages.", None, None),
        ("It is 20990101 and the context length is 8192.", 8192, None),
    ],
)
def test_errors_tell_the_window(told: str, window: int | None, asked: int | None) -> None:
    assert told_window(told) == (window, asked)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "registry.example/library/deepcoder:14b does not support tools"),
        (404, 'No endpoints found that support tool use. Try disabling "read".'),
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
        (500, "tools param requires --jinja flag"),
        (400, "Function calling is not enabled for models/any"),
        (400, "`tool calling` is not supported with this model"),
        (400, "This model doesn't support function calling."),
        (400, "tools is not supported in this model"),
        (400, "Unrecognized request argument supplied: tools"),
        (422, "Extra inputs are not permitted, field: 'tools'"),
    ],
)
def test_a_refusal_of_tools_is_known(status: int, told: str) -> None:
    assert mendable(status, told) == "tools_refused"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "This model's maximum context length is 16384 tokens. However, you requested 19000 tokens"),
        (400, "prompt is too long: 208310 tokens > 200000 maximum"),
        (400, "the request exceeds the available context size (8192 tokens), try increasing it"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
        (400, "Please reduce the length of the messages: context length exceeded."),
        (413, "Request too large for model `any` on tokens per minute (TPM): Limit 6000, Requested 12000"),
        (500, "Input length (9000) exceeds model's maximum context length (8192)"),
        (400, "input is too long for requested model"),
    ],
)
def test_a_refusal_of_length_is_known(status: int, told: str) -> None:
    assert mendable(status, told) == "context_too_long"


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ("max_tokens is too large: 8192. This model supports at most 4096 completion tokens.", 4096),
        ("max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-3-20990307", 4096),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]", 4096),
        ("`max_tokens` must be less than or equal to `4096`, the maximum value for `max_tokens`", 4096),
        ("max_tokens is too large: 8192. This model's maximum context length is 8192 tokens and your request has "
         "3456 input tokens", None),
        ("prompt is too long: 208310 tokens > 200000 maximum", None),
    ],
)  # fmt: skip
def test_a_refusal_of_the_length_of_a_reply_is_known(told: str, most: int | None) -> None:
    assert mendable(400, told) == "context_too_long"
    assert told_output(told) == most


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "temperature is not supported"),
        (401, "your key does not support tools"),
        (429, "too many tokens, slow down"),
        (500, "boom"),
        (400, "roles must alternate user and assistant except for tool calls and results"),
        (404, "the model `tools-v1` does not exist"),
    ],
)
def test_another_refusal_is_left_as_it_is(status: int, told: str) -> None:
    assert mendable(status, told) is None
