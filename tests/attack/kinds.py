"""Fifteen kinds of attack that got through once, and the tests by which each is tried ever since."""

KINDS = {
    "a service reaches this machine, its sockets or the network": (
        "unit/deploy/test_services_fence.py",
        "unit/sandbox/test_forwarding.py",
    ),
    "a receipt lies": (
        "unit/receipts/test_forgeries.py",
        "unit/receipts/test_integrity.py",
        "unit/workspace/test_comparison.py",
    ),
    "a control file reaches the person unasked": (
        "unit/domain/test_control_files.py",
        "unit/lsp/test_delivery.py",
    ),
    "a command uses the person's keyring or odd calls of the kernel": ("unit/sandbox/test_fence.py",),
    "a text freezes the redactor": (
        "unit/secrets/test_linear.py",
        "unit/models/test_discretion.py",
        "unit/models/test_telling.py",
    ),
    "a command sees sockets, closed files or credentials in shown folders": (
        "unit/sandbox/test_guarding.py",
    ),
    "a program of the workspace is run by the engine": ("unit/sandbox/test_programs.py",),
    "what is displayed acts or hides something": (
        "unit/domain/test_shown.py",
        "unit/cli/test_console.py",
        "unit/lsp/test_follower.py",
        "unit/lsp/test_protocol.py",
    ),
    "a file of a clone is no file": ("unit/test_regular.py", "unit/workspace/test_enclosed.py"),
    "a tree cannot be removed": ("unit/sandbox/test_clearing.py",),
    "an older or edited journal passes": ("unit/journal/test_attacks.py",),
    "a repository leads elsewhere, or inherits another's runs": (
        "unit/workspace/test_enclosed.py",
        "unit/workspace/test_identity.py",
    ),
    "a secret goes to a model, or a prompt to another host": (
        "unit/secrets/test_redactor.py",
        "unit/secrets/test_ordinary.py",
        "unit/models/test_wire.py::test_a_redirection_is_followed_on_the_same_server_only",
    ),
    "nothing bounds memory, disk or a report": (
        "unit/sandbox/test_bubblewrap.py::TestHowMuchACommandTakes",
        "unit/receipts/test_junit.py",
    ),
    "a link is swapped, a path or a message odd": (
        "e2e/test_edits.py::test_nothing_is_taken_back_through_a_link_that_was_put_there_since",
        "unit/deploy/test_services.py::test_a_health_path_is_one_word_of_a_request",
        "unit/lsp/documents/test_positions.py",
        "unit/domain/test_written_json.py",
        "e2e/test_transport.py",
    ),
}
"""The paths are below ``tests``; one of them may belong to two kinds."""


def kinds_of(test: str) -> list[int]:
    """The numbers, from 1, of the kinds that a test belongs to; it is named as the test runner names it."""
    name = test.removeprefix("tests/").partition("[")[0]
    return [
        number
        for number, places in enumerate(KINDS.values(), 1)
        if any(name == place or name.startswith(f"{place}::") for place in places)
    ]
