"""Settings: what a person may turn. Where it is written, and who may turn it, says ``settings_files``."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from wainwright.domain.command_policy import Rules
from wainwright.domain.evidence import Suite
from wainwright.domain.goal import Autonomy
from wainwright.domain.hosts import listed

DEFAULT_TIMEOUT_S = 600.0
CUSTOM_TIMEOUT_S = 1200.0

Sized = Literal["auto", "small", "medium", "large"]


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
    host_idle_s: float = Field(default=600.0, ge=0, allow_inf_nan=False)
    """Seconds for which the gateway host stays when no run needs it: the next one need not wait until what speaks to
    providers is loaded. 0: none is kept, and each run loads it itself."""
    gateway_idle_s: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    """Seconds after which a gateway is given back that nobody asks anything: the next call starts another one."""
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


Rule = Annotated[str, Field(pattern=r"^[^\s*-]\S*( \S+)*$")]


class CommandSettings(_Section):
    """Which commands of models are run.

    A rule is a program and the words that follow it, such as ``git push``: options between them count for nothing,
    ``*`` stands for any words. The longest rule that fits decides.
    """

    allow: tuple[Rule, ...] = ()
    """What is run although a shorter rule says otherwise. Pushing, publishing and changes of clouds still ask."""
    ask: tuple[Rule, ...] = ()
    """What only a person may say yes to: they are asked at a gate, and where nobody attends it is refused."""
    deny: tuple[Rule, ...] = ()
    """What is never run."""

    @property
    def rules(self) -> Rules:
        """What lines are judged by."""
        return Rules(self.allow, self.ask, self.deny)


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
    """Whether a run that nobody attends, or one in full-auto, may start the service that it built without asking."""

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


def _a_host(entry: str) -> str:
    listed(entry)
    return entry


class EgressSettings(_Section):
    """What commands may reach of the network. A workspace has no say in it."""

    hosts: tuple[Annotated[str, AfterValidator(_a_host)], ...] = ()
    """Hosts that the commands of models and tests may reach, by name, through a proxy: ``pypi.org`` for its ports 80
    and 443, or ``pypi.org:443``. Whoever can write to one of them can be sent what a command sees. Empty: none."""


class HostSettings(_Section):
    """The process that has the engines of all windows that are started alike."""

    idle_s: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """Seconds for which an engine stays when no window shows its workspace any more, so that a window that comes back
    finds all as it was; and the host, when it has no engine."""
    finish_runs: bool = False
    """Whether a run goes on when the last window of its workspace was closed: to its end, or until it waits for you.
    Else it rests, and is offered the next time. A window that dies is not one that was closed."""


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
    commands: CommandSettings = CommandSettings()
    """Which commands of models are run."""
    egress: EgressSettings = EgressSettings()
    """What commands may reach of the network."""
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
    host: HostSettings = HostSettings()
    """How long work goes on that nobody looks at."""
    telemetry: TelemetrySettings = TelemetrySettings()
    """Where model calls are told to, if anywhere."""
    autonomy: Autonomy = "suggest"
    """``suggest`` asks for the plan, the change and the deployment; ``auto-edit`` not for the change; ``full-auto``
    never, and needs a sandbox and a cap."""
    size: Sized = "auto"
    """How large goals are: ``small`` plans one task whose implementer writes its tests, ``medium`` has no design and
    no critic, ``large`` has every role. ``auto``: the planner says it of each goal."""
    parallel: int = Field(default=2, ge=1, le=32)
    """How many tasks may be worked on at a time; one that waits for a person is not counted."""
