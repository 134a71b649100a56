"""Settings: what a person may turn, where it is written, and who may turn it.

Three sources, later ones win:

1. the user's file, ``$XDG_CONFIG_HOME/wainwright/config.toml`` (or ``~/.config/...``): everything;
2. the workspace's ``wainwright.toml``: only what cannot harm. Anyone who can commit to the repository can
   write it, so it chooses no model, no key and no address, and may lower caps and autonomy but
   never raise them;
3. the command line (``overrides``): everything, because the person typed it.

``load`` is the only door; every refusal is an ``InputError`` that names the file, the key and what is
allowed.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from wainwright import regular
from wainwright.domain.errors import InputError
from wainwright.domain.evidence import Suite

CONFIG_FILE = "config.toml"
WORKSPACE_FILE = "wainwright.toml"
DEFAULT_TIMEOUT_S = 600.0
CUSTOM_TIMEOUT_S = 1200.0

Autonomy = Literal["suggest", "auto-edit", "full-auto"]
Sized = Literal["auto", "small", "medium", "large"]
_AUTONOMY_ORDER: tuple[Autonomy, ...] = ("suggest", "auto-edit", "full-auto")


def _unlimited(value: object) -> object:
    return None if value == "unlimited" else value


def _one_or_many(value: object) -> object:
    """Let ``default = "openai/gpt-5"`` stand for a list of one candidate."""
    items = value if isinstance(value, list | tuple) else [value]
    return tuple({"model": item} if isinstance(item, str) else item for item in items)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Candidate(_Section):
    """One model that may be asked."""

    model: str = Field(pattern=r"^[^/\s]+/\S+$")
    """The model as LiteLLM spells it: ``provider/model``, for example ``anthropic/claude-sonnet-4-5``."""
    api_base: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Address of your own server for the provider's protocol, such as ``http://127.0.0.1:8000/v1``."""
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the variable with the key. Default: the provider's usual one, such as ``OPENAI_API_KEY``."""
    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds one call may take. Default: 600, or 1200 with an ``api_base`` of your own."""
    max_output_tokens: int = Field(default=8192, ge=1)
    """The most tokens one reply may have."""
    context_tokens: int | None = Field(default=None, ge=1)
    """Size of the model's context window in tokens, if you know it; tightens what a call reserves."""
    input_usd_per_mtok: float | None = Field(default=None, ge=0)
    """Your own price in US dollars for a million input tokens. Needs ``output_usd_per_mtok`` too. OpenRouter is held
    to both: who serves the model for more is not asked."""
    output_usd_per_mtok: float | None = Field(default=None, ge=0)
    """Your own price in US dollars for a million output tokens. Needs ``input_usd_per_mtok`` too."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature. Default: the provider's."""
    first_s: float | None = Field(default=None, gt=0)
    """Seconds to the first piece of an answer, thoughts included, after which the next candidate is asked. Default:
    as many as the whole call may take. A server that does not stream tells nothing before all of it is there."""
    idle_s: float = Field(default=60.0, gt=0)
    """Seconds an answer may stand still once it has begun."""
    tools: bool = True
    """Whether tools are offered in the provider's own form. ``false``: in words, and calls are read from the text; so
    it is too, by itself, where a server refuses tools."""
    schema_answers: bool | None = None
    """Whether plans, reviews and other answers of a fixed form are asked for by JSON schema. Default: where LiteLLM's
    table says that the model takes one and can still call tools; never at an ``api_base`` of your own. A model that
    refuses one is asked without, by itself."""
    vision: bool | None = None
    """Whether the model sees pictures, if you know it; one that does not is not shown any."""

    @model_validator(mode="after")
    def _price_is_whole(self) -> "Candidate":
        if (self.input_usd_per_mtok is None) != (self.output_usd_per_mtok is None):
            raise ValueError("input_usd_per_mtok and output_usd_per_mtok go together")
        return self

    def __hash__(self) -> int:
        return self._hashed

    @cached_property
    def _hashed(self) -> int:
        # It is looked up twenty times a call.
        return hash(tuple(getattr(self, name) for name in type(self).model_fields))

    def __copy__(self) -> Self:
        copied = super().__copy__()
        for kept in ("_hashed", "provider"):  # a copy is made to be changed
            copied.__dict__.pop(kept, None)
        return copied

    @cached_property
    def provider(self) -> str:
        """The part before the first slash, in lower case."""
        return self.model.partition("/")[0].lower()

    @property
    def deadline_s(self) -> float:
        """Seconds one call may take, with the default filled in."""
        return self.timeout_s or (CUSTOM_TIMEOUT_S if self.api_base else DEFAULT_TIMEOUT_S)


RECORDING = Candidate(model="cassette/recording")
Candidates = Annotated[tuple[Candidate, ...], BeforeValidator(_one_or_many)]


class ModelsSettings(_Section):
    """Which models may be asked, in which order."""

    default: Candidates = ()
    """Candidates of every role that has none of its own; the first that answers wins."""
    roles: dict[str, Candidates] = Field(default_factory=dict)
    """Candidates of one role, by its name: ``planner``, ``designer``, ``implementer``, ``tester``..."""
    stronger: Candidates = ()
    """Candidates for the rung "stronger model", after repairs and a fresh context have failed."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often one candidate is asked again after a passing failure (rate limit, overload) before the next is."""
    cassette: Path | None = None
    """File with recorded replies. When set, no model is called: replies come from the recording."""
    record: Path | None = None
    """File to which every reply is appended, to be used as ``cassette`` later."""
    wait_s: float = Field(default=4 * 3600.0, ge=0)
    """Seconds for which busy providers are waited for when no candidate answers, while the run has time left; outages
    are waited out for 15 minutes at most. 0: a role gives up after its retries."""
    cassette_mode: Literal["strict", "loose"] = "loose"
    """Whether a recorded reply is given to a request that differs from the recorded one: ``strict`` refuses it and
    names the first difference, ``loose`` gives it and notes the difference in the log."""

    def of(self, role: str, *, stronger: bool = False) -> tuple[Candidate, ...]:
        """The candidates of ``role``, best first; empty when none are set. A recording needs none: it stands in."""
        chosen = (self.stronger if stronger else ()) or self.roles.get(role) or self.default
        return chosen or ((RECORDING,) if self.cassette else ())

    def everyone(self) -> tuple[Candidate, ...]:
        """All candidates of all roles."""
        return (*self.default, *(one for some in self.roles.values() for one in some), *self.stronger)


class RoleBudget(_Section):
    """What one role may take of what a run may spend."""

    usd: float | None = Field(default=None, ge=0)
    """US dollars."""
    tokens: int | None = Field(default=None, ge=0)
    """Input and output tokens."""
    requests: int | None = Field(default=None, ge=0)
    """Model calls."""


class BudgetSettings(_Section):
    """What one run may spend, over all roles and tasks together."""

    usd: Annotated[float | None, BeforeValidator(_unlimited)] = Field(default=10.0, ge=0)
    """US dollars, or ``"unlimited"``."""
    tokens: Annotated[int | None, BeforeValidator(_unlimited)] = Field(default=5_000_000, ge=0)
    """Input and output tokens, or ``"unlimited"``."""
    unknown_price: Literal["tokens", "refuse"] = "tokens"
    """A model without a known price: ``tokens`` lets the token cap hold it, ``refuse`` does not ask it."""
    requests: int | None = Field(default=None, ge=0)
    """Model calls that one run may make. Default: as many as money and tokens let it."""
    call_usd: float | None = Field(default=None, gt=0)
    """US dollars that one call may cost; its reply is kept as short as that needs. Holds where a price is known."""
    call_tokens: int | None = Field(default=None, gt=0)
    """Input and output tokens that one call may take."""
    day_usd: float | None = Field(default=None, ge=0)
    """US dollars that all runs of a workspace may spend in a day, from midnight on."""
    day_tokens: int | None = Field(default=None, ge=0)
    """Input and output tokens that all runs of a workspace may take in a day, from midnight on."""
    roles: dict[str, RoleBudget] = Field(default_factory=dict)
    """Caps of single roles within those of the run, by name: ``roles.critic = { usd = 0.5, requests = 20 }``."""


class TestCommand(_Section):
    """One of several test commands of a workspace."""

    __test__: ClassVar[bool] = False

    command: str = Field(min_length=1)
    """A shell line."""
    folder: str = Field(default=".", min_length=1)
    """Where it is run: a folder inside the workspace, relative to it."""

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        if folder.startswith(("/", "~")) or ".." in folder.split("/"):
            raise ValueError("a folder is relative to the workspace and inside it")
        return folder


class TestSettings(_Section):
    """How the project's tests are run."""

    __test__: ClassVar[bool] = False

    command: str | None = None
    """The test command, a shell line. Default: found out from the project."""
    commands: tuple[TestCommand, ...] = ()
    """Several test commands, each with its folder, where one is not enough. They are run after ``command``."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Seconds one run of the tests may take."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """What is set, in order; empty when it is to be found out."""
        told = "settings name it"
        first = (Suite(command=self.command, reason=told),) if self.command else ()
        return (*first, *(Suite(command=c.command, folder=c.folder, reason=told) for c in self.commands))


class MutantSettings(_Section):
    """How it is tried whether the acceptance tests would notice a fault."""

    seconds: float = Field(default=60.0, ge=0)
    """Seconds in which small changes of the change are tried on them, while it is reviewed; 0: none are."""


class CacheSettings(_Section):
    """What is kept of what your tests compile."""

    max_bytes: int = Field(default=2 * 1024**3, ge=0)
    """Bytes of built things that a workspace keeps from one run to the next."""


class DeploySettings(_Section):
    """Whether a service is started when nobody is asked, and how a fresh deployment is watched."""

    unattended: bool = False
    """Whether a run that nobody attends may start the service that it built. ``false``: it says what starts it."""

    monitor_window_s: float = Field(default=10.0, gt=0)
    """Seconds a deployment is watched before the run is done."""
    monitor_interval_s: float = Field(default=1.0, gt=0)
    """Seconds between two health checks."""
    breach_after: int = Field(default=3, ge=1)
    """Failed checks in a row that count as a breach and roll back."""


class LimitSettings(_Section):
    """Where loops end."""

    turns_per_task: int = Field(default=60, ge=1)
    """Model calls one task may make."""
    repairs: int = Field(default=3, ge=0)
    """Repairs in the same context after red tests or a review."""
    task_idle_s: float = Field(default=20 * 60.0, gt=0)
    """Seconds in which nothing is heard of a task before it is stopped, and tried again once. What a model call or a
    command may take by itself comes on top."""
    run_wall_s: float = Field(default=4 * 3600.0, gt=0)
    """Seconds one run may take."""


class EditorSettings(_Section):
    """What the editor is given beside runs."""

    symbols: bool = False
    """Whether the editor's search for symbols of the workspace is answered from the index."""


class VaultSettings(_Section):
    """HashiCorp Vault as a place for keys; its token comes from ``VAULT_TOKEN`` or ``~/.vault-token``."""

    url: str | None = Field(
        default=None, pattern=r"^(https://[^\s/]|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$))\S*$"
    )
    """Address of the server, such as ``https://vault.example.org:8200``; without ``https`` only on this machine."""
    path: str = Field(default="secret/wainwright", pattern=r"^[^/\s]+/[^\s]*[^/\s]$")
    """The secret with the keys: the mount of a KV engine of version 2, then the path in it. Its fields are named as
    the variables are, such as ``OPENAI_API_KEY``."""


class TelemetrySettings(_Section):
    """What is sent to an endpoint of your own, and to nobody else. Without one nothing is."""

    otlp: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Address that takes spans of OpenTelemetry over HTTP, such as ``http://127.0.0.1:4318``: one span a model call,
    without what was said. Default: the variable ``OTEL_EXPORTER_OTLP_ENDPOINT``. Needs the extra ``otel``."""


class Settings(_Section):
    """Everything that can be set."""

    models: ModelsSettings = ModelsSettings()
    """Which models may be asked."""
    budget: BudgetSettings = BudgetSettings()
    """What a run may spend."""
    test: TestSettings = TestSettings()
    """How tests are run."""
    mutants: MutantSettings = MutantSettings()
    """How the acceptance tests are tried."""
    caches: CacheSettings = CacheSettings()
    """What is kept between runs."""
    deploy: DeploySettings = DeploySettings()
    """How deployments are watched."""
    limits: LimitSettings = LimitSettings()
    """How long a run may go round."""
    editor: EditorSettings = EditorSettings()
    """What the editor gets from the index."""
    vault: VaultSettings = VaultSettings()
    """Where keys may come from, beside the environment, ``credentials.toml`` and the keyring."""
    telemetry: TelemetrySettings = TelemetrySettings()
    """Where model calls are told to, if anywhere."""
    autonomy: Autonomy = "auto-edit"
    """``suggest`` asks for the plan, the change and the deployment; ``auto-edit`` not for the change; ``full-auto``
    never."""
    size: Sized = "auto"
    """How large goals are: ``small`` plans one task whose implementer writes its tests, ``medium`` has no design and
    no critic, ``large`` has every role. ``auto``: the planner says it of each goal."""
    parallel: int = Field(default=2, ge=1, le=32)
    """How many tasks may be worked on at a time."""


_FREE = frozenset(
    {
        "deploy.breach_after",
        "deploy.monitor_interval_s",
        "deploy.monitor_window_s",
        "editor.symbols",
        "parallel",
        "test.command",
        "test.commands",
        "test.timeout_s",
    }
)
"""What a workspace may set as it likes, one by one: a setting that is added is closed until it is named here."""
_LOWER_ONLY = frozenset(
    {
        "budget.call_tokens",
        "budget.call_usd",
        "budget.day_tokens",
        "budget.day_usd",
        "budget.requests",
        "budget.tokens",
        "budget.usd",
        "limits.repairs",
        "limits.run_wall_s",
        "limits.turns_per_task",
        "mutants.seconds",
    }
)
"""What a workspace may set lower than the person has it, named one by one."""
_WORKSPACE_KEYS = sorted(_FREE | _LOWER_ONLY | {"autonomy", "budget.unknown_price"})


def config_dir() -> Path:
    """The user's own directory for Wainwright's settings and credentials; it may not exist."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "wainwright"


def load(workspace: Path, *, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings that hold in ``workspace``.

    ``overrides`` is a nested mapping shaped like ``Settings``, from the command line. Raises
    ``InputError`` when a file cannot be read, a key is unknown, a value does not fit, or the workspace's file
    sets what it may not.
    """
    user_file, workspace_file = config_dir() / CONFIG_FILE, workspace / WORKSPACE_FILE
    user, local = _read(user_file), _read(workspace_file, beneath=workspace)
    trusted = _check(user, str(user_file))
    _guard(local, _check(local, str(workspace_file)), trusted, str(workspace_file))
    merged = _merge(_merge(user, local), overrides or {})
    return _check(merged, "the command line")


def json_schema() -> dict[str, Any]:
    """JSON schema of the settings file, with every key described."""
    return Settings.model_json_schema()


def _read(path: Path, *, beneath: Path | None = None) -> dict[str, Any]:
    try:
        return tomllib.loads(regular.read(path, regular.SMALL, beneath=beneath).decode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).", "Make it readable or remove it."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML ({error}).", "Correct that line.") from error


def _check(values: Mapping[str, Any], source: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, source) from error


def _explained(error: ValidationError, source: str) -> InputError:
    """Turn pydantic's first complaint into one sentence about one key."""
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    key = ".".join(str(part) for part in loc)
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_describe(loc[:-1]).get("properties", {})))
        return InputError(f"{source}: unknown key `{key}`.", f"Known keys there: {known}.")
    allowed = _describe(loc).get("description", "")
    # A key pasted where its variable's name belongs must not be shown.
    was = "" if loc[-1:] == ("api_key_env",) else f" (was {first['input']!r})"
    return InputError(f"{source}: `{key}`: {first['msg']}{was}.", allowed)


def _describe(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The schema node at ``loc``; empty when the path leads nowhere."""
    schema = json_schema()

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        return {**schema["$defs"][node["$ref"].rpartition("/")[2]], **node} if "$ref" in node else node

    node = schema
    for part in loc:
        below = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = resolved(below or node.get("additionalProperties") or {})
    return node


def _guard(values: Mapping[str, Any], local: Settings, trusted: Settings, source: str) -> None:
    """Refuse what a repository may not decide."""
    for key in _leaves(values):
        if key not in _WORKSPACE_KEYS:
            allowed = ", ".join(_WORKSPACE_KEYS)
            raise InputError(
                f"{source}: `{key}` may not be set by a workspace.",
                f"Set it in {config_dir() / CONFIG_FILE}. A workspace may set: {allowed}.",
            )
        mine, theirs = _value(trusted, key), _value(local, key)
        if _loosens(key, mine, theirs):
            raise InputError(
                f"{source}: `{key} = {theirs}` is looser than your own setting ({mine}).",
                f"A workspace may only tighten it: change it here, or in {config_dir() / CONFIG_FILE}.",
            )


def _loosens(key: str, mine: Any, theirs: Any) -> bool:
    if key == "autonomy":
        return _AUTONOMY_ORDER.index(theirs) > _AUTONOMY_ORDER.index(mine)
    if key == "budget.unknown_price":
        return bool(mine == "refuse" and theirs != "refuse")
    if key in _LOWER_ONLY:
        return mine is not None and (theirs is None or theirs > mine)
    return False


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{key}.")
        else:
            yield key


def _value(settings: Settings, key: str) -> Any:
    node: Any = settings
    for part in key.split("."):
        node = getattr(node, part)
    return node


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, JsonValue]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[name] = _merge(under, value) if nested and under is not None else value
    return merged
