package wainwright;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import org.eclipse.lsp4j.Position;
import org.junit.jupiter.api.Test;

class PluginTest {
    private static final Position TOP = new Position(0, 0);
    private final Path code = Path.of(System.getProperty("folder")).resolve("calc/__init__.py");

    @Test
    void whatIsNotInTheProtocolCanBeTyped() throws Exception {
        var wanted = JsonParser.parseString("{\"wainwright\": {\"input\": true}}");
        try (var session = Session.start(Plugin::new, wanted)) {
            var ide = (Plugin) session.ide;
            ide.open(code);
            var goal = new JsonObject();
            goal.addProperty("goal", "Add calc.div, the quotient of two whole numbers.");
            session.execute("start", goal);
            session.isAsked("Is the plan", 1);
            session.choose(code, TOP, "Reject the plan");
            session.until("words are wanted", () -> ide.inputs.size() == 1);
            assertEquals("What should be different?", ide.inputs.get(0).prompt());
            ide.typed = "Only for numbers that divide.";
            session.choose(code, TOP, "Reject the plan");
            session.isAsked("Is the plan", 2);
            assertEquals(2, ide.inputs.size());
            var run = ide.events.get(0).run();
            assertTrue(ide.events.stream().allMatch(one -> one.run().equals(run)));
            assertTrue(ide.events.stream()
                    .anyMatch(one -> one.kind().equals("gate-opened") && one.stage().equals("PLANNING")));
            session.execute("cancel", new JsonObject());
            session.isAsked("CANCELLED", 1);
            assertEquals(0, session.leave());
        }
    }
}
