"""Which lines are which runner's, and how each is reached there."""

import pytest
from tests.unit.receipts.test_command import Files

from wainwright.receipts.command import find
from wainwright.receipts.runners import RUNNERS

SCRIPT = '{"scripts": {"test": "%s"}}'


@pytest.mark.parametrize(
    ("line", "files", "told"),
    [
        ("npm test", {"package.json": SCRIPT % "vitest"}, "vitest append"),
        ("pnpm test", {"package.json": SCRIPT % "cross-env TZ=UTC jest --ci"}, "jest append"),
        ("yarn test", {"package.json": SCRIPT % "tsc && node --test"}, "node append"),
        ("npm test", {"package.json": SCRIPT % "nyc --reporter lcov mocha"}, "mocha append"),
        ("npm test", {"package.json": SCRIPT % "mocha && eslint ."}, "mocha environment"),
        ("npm test", {"package.json": SCRIPT % "react-scripts test"}, "jest append"),
        ("npm test", {"package.json": SCRIPT % "echo vitest"}, ""),
        ("npx --no-install vitest run", {}, "vitest direct"),
        ("vitest bench", {}, ""),
        ("node_modules/.bin/jest", {}, "jest direct"),
        ("node --experimental-vm-modules node_modules/jest/bin/jest.js -i", {}, "jest direct"),
        ("node --import tsx --test src/a.test.ts", {}, "node direct"),
        ("node test.js", {"test.js": "require('node:test')('a', () => {})"}, "node direct"),
        ("node server.js", {"server.js": "require('node:http')"}, ""),
        ("tsx --test", {}, "node direct"),
        ("c8 node --test", {}, "node direct"),
        ("bun test", {}, "bun direct"),
        ("bun run test", {"package.json": SCRIPT % "bun test"}, "bun append"),
        ("deno test -A", {}, "deno direct"),
        ("deno run x.ts", {}, ""),
        ("./mvnw -B verify", {}, "surefire direct"),
        ("mvn package -DskipTests", {}, "surefire direct"),
        ("mvn compile", {}, ""),
        ("./gradlew :app:test", {}, "gradle direct"),
        ("gradle assemble", {}, ""),
        ("sbt core/test", {}, "sbt direct"),
        ("dotnet test Calc.sln", {}, "dotnet direct"),
        ("Rscript --vanilla -e 'testthat::test_local()'", {}, "testthat direct"),
        ("Rscript -e 'devtools::test(filter = \"a\")'", {}, "testthat direct"),
        ("Rscript -e 'devtools::document()'", {}, ""),
        ("Rscript 'testthat::test_local()'", {}, ""),
        ("dotnet build", {}, ""),
        ("bundle exec rspec", {}, "rspec direct"),
        ("rake", {"Rakefile": "RSpec::Core::RakeTask.new(:spec)"}, "rspec direct"),
        ("bin/rails test", {}, "minitest direct"),
        ("rake test", {"Rakefile": "Rake::TestTask.new"}, "minitest direct"),
        ("rake db:migrate", {"Rakefile": "Rake::TestTask.new"}, ""),
        ("composer test", {"composer.json": SCRIPT % "phpunit --colors=always"}, "phpunit append"),
        ("php vendor/bin/phpunit", {}, "phpunit direct"),
        ("MIX_ENV=test mix test", {}, "exunit direct"),
        ("mix compile", {}, ""),
        ("make test", {"Makefile": "test:\n\tnpx jest\n"}, "jest environment"),
    ],
)  # fmt: skip
def test_a_line_is_recognised(line: str, files: dict[str, str], told: str) -> None:
    found = find(line, Files(files), RUNNERS)
    assert " ".join(f"{one.runner.name} {one.how}" for one in found) == told
