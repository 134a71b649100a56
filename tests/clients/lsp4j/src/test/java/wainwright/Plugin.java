package wainwright;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.lsp4j.WorkspaceFolder;
import org.eclipse.lsp4j.jsonrpc.services.JsonNotification;
import org.eclipse.lsp4j.jsonrpc.services.JsonRequest;
import org.eclipse.lsp4j.jsonrpc.validation.NonNull;

/** What a plugin could add to LSP4IJ: the messages of the server that the protocol of editors does not have. */
final class Plugin extends Ide {
    record Event(
            @NonNull String run, @NonNull String kind, @NonNull String text, @NonNull String stage, String task) {}

    record Input(@NonNull String prompt, String value) {}

    record Typed(String text) {}

    final List<Event> events = new CopyOnWriteArrayList<>();
    final List<Input> inputs = new CopyOnWriteArrayList<>();
    /** What the person types; null: they close the input. */
    volatile String typed;

    Plugin(WorkspaceFolder folder, Object settings) {
        super(folder, settings);
    }

    @JsonNotification("wainwright/event")
    public void event(Event event) {
        events.add(event);
    }

    @JsonRequest("wainwright/input")
    public CompletableFuture<Typed> input(Input asked) {
        inputs.add(asked);
        return CompletableFuture.completedFuture(new Typed(typed));
    }
}
