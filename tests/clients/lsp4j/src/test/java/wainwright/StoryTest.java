package wainwright;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.eclipse.lsp4j.Position;
import org.junit.jupiter.api.Test;

/** From a goal to its end and back, by a person in a JetBrains IDE with LSP4IJ and the imported template. */
class StoryTest {
    private static final Pattern SERVES = Pattern.compile("it serves at (http://127\\.0\\.0\\.1:\\d+)");
    private static final Position TOP = new Position(0, 0);
    private final Path folder = Path.of(System.getProperty("folder"));
    private final Path code = folder.resolve("calc/__init__.py");
    private final String goal = System.getProperty("goal");

    /** As the template sets it up: the server may send nothing of its own, for LSP4IJ has no place for it. */
    @Test
    void aGoalGoesToItsEndAndAFileBack() throws Exception {
        try (var session = Session.start(Ide::new, null)) {
            var ide = session.ide;
            ide.answers.put("Start the service", "Start the service on port");
            ide.open(code);
            begin(session);
            session.isAsked("Is the plan", 1);
            var run = onlyRun();
            answerTheQuestion(session, run.resolve("run.md"));
            editThePlan(session, run.resolve("plan.md"));
            reviewTheChange(session, run.resolve("change.diff"));
            seeTheEnd(session, run.resolve("plan.md"));
            takeAFileBack(session, run.resolve("change.diff"));
            cancelAnother(session);
            assertEquals(0, session.leave());
        }
    }

    private void begin(Session session) throws Exception {
        var ide = session.ide;
        // The second time behind a character of two units.
        ide.type(code, "HEAD = 1", "HEAD = 2  # \uD83E\uDDEE only");
        ide.type(code, "only", "only in the buffer");
        ide.type(code, "\n\ndef add", "\n# TODO: " + goal + "\n\ndef add");
        session.choose(code, ide.buffer(code).position("# TODO"), "Do this TODO");
    }

    private void approveThePlan(Session session) throws Exception {
        session.choose(code, TOP, "Approve the plan: Is the plan");
    }

    private Path onlyRun() throws Exception {
        try (var runs = Files.list(folder.resolve(".wainwright/runs"))) {
            return runs.filter(Files::isDirectory).findFirst().orElseThrow();
        }
    }

    private void editThePlan(Session session, Path plan) throws Exception {
        var ide = session.ide;
        session.until("the new plan is on the page", () -> Files.readString(plan).startsWith("# Plan 3"));
        ide.open(plan);
        assertTrue(ide.registered.containsAll(List.of("textDocument/completion", "textDocument/formatting")));
        ide.type(plan, "- serves: R1", "- serves: R7");
        ide.save(plan);
        session.until("it is a problem", () -> problems(session, plan).contains("There is no requirement R7"));
        ide.type(plan, "- serves: R7", "- serves: R1");
        ide.type(plan, "to calc/__init__.py.\n", "to calc/__init__.py, as Euclid would.\n");
        ide.save(plan);
        session.isTold("The plan is edited");
        var lenses = Set.of("Approve the plan", "Reject the plan", "Review", "Cancel");
        assertEquals(lenses, session.lenses(plan).keySet());
        approveThePlan(session);
    }

    private static String problems(Session session, Path file) {
        return session.ide.diagnostics.getOrDefault(Ide.uri(file), List.of()).toString();
    }

    private void answerTheQuestion(Session session, Path page) throws Exception {
        var ide = session.ide;
        approveThePlan(session);
        session.isAsked("Is the plan", 2);
        approveThePlan(session);
        session.isAsked("cannot be finished", 1);
        session.until("it is on the page", () -> Files.readString(page).contains("**question-1**"));
        ide.open(page);
        ide.type(page, "## Your notes", "> Whole numbers only.\n\n## Your notes");
        session.choose(page, TOP, "Answer in words");
    }

    private void reviewTheChange(Session session, Path diff) throws Exception {
        var ide = session.ide;
        session.isAsked("Take the change over?", 1);
        ide.type(code, "\"\"\"Sums.\"\"\"", "\"\"\"Sums. Typed meanwhile.\"\"\"");
        assertFalse(ide.buffer(code).text().contains("def sub"), "nothing is changed before somebody says so");
        session.choose(code, TOP, "Review what is asked");
        session.until("the change is shown", () -> ide.shown.contains(Ide.uri(diff)));
        ide.open(diff);
        ide.type(diff, "+    return a - b\n", "+    return a - b\n> Say what it returns.\n");
        ide.save(diff);
        var hunk = ide.buffer(diff).position("hunk 1");
        session.choose(diff, hunk, "Reject hunk 1 of calc/__init__.py: Say what it returns.");
        session.isTold("Hunk 1 is left out, and built again: Say what it returns.");
        session.choose(code, TOP, "Take the change over");
        session.isAsked("Take the change over?", 2);
        ide.reload(diff);
        session.choose(code, TOP, "Take the change over");
        session.until("the edit arrives", () -> ide.buffer(code).text().contains("What is left of a without b."));
        assertTrue(ide.buffer(code).text().contains("Typed meanwhile"));
        assertTrue(ide.buffer(code).text().contains("only in the buffer"));
    }

    private void seeTheEnd(Session session, Path plan) throws Exception {
        var ide = session.ide;
        session.isAsked("Start the service", 1);
        session.isAsked("DONE", 1);
        var address = SERVES.matcher(String.join("\n", ide.asked));
        assertTrue(address.find(), ide.asked::toString);
        var page = HttpClient.newHttpClient().send(
                HttpRequest.newBuilder(URI.create(address.group(1))).build(), BodyHandlers.ofString());
        assertEquals(200, page.statusCode());
        session.until("the remark is a problem", () -> problems(session, code).contains("Someone adds floats."));
        var problem = ide.diagnostics.get(Ide.uri(code)).get(0);
        assertEquals("wainwright", problem.getSource());
        var fix = session.quickFixes(code, problem).get(0);
        assertTrue(fix.getTitle().contains("Someone adds floats."), fix::toString);
        assertTrue(fix.getEdit() != null, fix::toString);
        session.until("the background task ends", ide.running::isEmpty);
        session.until("each task has its state", () -> session.hints(plan).stream()
                .anyMatch(hint -> hint.getLabel().getLeft().startsWith("landed")));
        assertTrue(ide.lensRefreshes.get() > 0 && ide.hintRefreshes.get() > 0);
    }

    private void takeAFileBack(Session session, Path diff) throws Exception {
        var ide = session.ide;
        ide.reload(diff);
        session.choose(diff, ide.buffer(diff).position("hunk 1"), "Revert the change of calc/__init__.py");
        session.isTold("was taken back");
        assertFalse(ide.buffer(code).text().contains("def sub"));
        assertTrue(ide.buffer(code).text().contains("Typed meanwhile"));
        assertTrue(Files.exists(folder.resolve("tests/test_sub.py")), "the other file stays");
    }

    private void cancelAnother(Session session) throws Exception {
        var ide = session.ide;
        var page = folder.resolve(".wainwright/goal.md");
        Files.writeString(page, "# Goal\n\nAdd calc.mul, the product of two whole numbers.\n");
        ide.open(page);
        session.until("it can be started", () -> session.lenses(page).containsKey("Start"));
        session.execute(session.lenses(page).get("Start"));
        session.until("it is a background task", () -> !ide.running.isEmpty());
        session.cancelTask(ide.running.get(0));
        session.isAsked("CANCELLED", 1);
        session.until("the background task ends", ide.running::isEmpty);
    }
}
