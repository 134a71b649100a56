"""The adapters, one file each; the first that recognises a command is asked."""

from wainwright.receipts.protocol import Runner
from wainwright.receipts.runners.ava import Ava
from wainwright.receipts.runners.bun import Bun
from wainwright.receipts.runners.busted import Busted
from wainwright.receipts.runners.cargo import Cargo
from wainwright.receipts.runners.ctest import Ctest
from wainwright.receipts.runners.deno import Deno
from wainwright.receipts.runners.dotnet import Dotnet
from wainwright.receipts.runners.exunit import ExUnit
from wainwright.receipts.runners.go import Go
from wainwright.receipts.runners.gradle import Gradle
from wainwright.receipts.runners.jest import Jest
from wainwright.receipts.runners.minitest import Minitest, MinitestInRake
from wainwright.receipts.runners.mocha import Mocha
from wainwright.receipts.runners.nextest import Nextest
from wainwright.receipts.runners.node import Node
from wainwright.receipts.runners.other import JUnit, Tap
from wainwright.receipts.runners.phpunit import PHPUnit
from wainwright.receipts.runners.prove import Prove
from wainwright.receipts.runners.pytest import Pytest
from wainwright.receipts.runners.rspec import RSpec
from wainwright.receipts.runners.sbt import Sbt
from wainwright.receipts.runners.surefire import Surefire
from wainwright.receipts.runners.testthat import Testthat
from wainwright.receipts.runners.unittest import Unittest
from wainwright.receipts.runners.vitest import Vitest

RUNNERS: tuple[Runner, ...] = (
    Pytest(),
    Unittest(),
    Go(),
    Cargo(),
    Nextest(),
    Ctest(),
    Vitest(),
    Jest(),
    Mocha(),
    Ava(),
    Node(),
    Bun(),
    Deno(),
    Surefire(),
    Gradle(),
    Sbt(),
    Dotnet(),
    RSpec(),
    Minitest(),
    MinitestInRake(),
    PHPUnit(),
    ExUnit(),
    Prove(),
    Busted(),
    Testthat(),
    # Those that recognise a command by what it prints or leaves come last.
    Tap(),
    JUnit(),
)
"""All adapters."""
