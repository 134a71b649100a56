package wainwright;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.lsp4j.ApplyWorkspaceEditParams;
import org.eclipse.lsp4j.ApplyWorkspaceEditResponse;
import org.eclipse.lsp4j.ConfigurationParams;
import org.eclipse.lsp4j.Diagnostic;
import org.eclipse.lsp4j.DidChangeTextDocumentParams;
import org.eclipse.lsp4j.DidOpenTextDocumentParams;
import org.eclipse.lsp4j.DidSaveTextDocumentParams;
import org.eclipse.lsp4j.MessageActionItem;
import org.eclipse.lsp4j.MessageParams;
import org.eclipse.lsp4j.ProgressParams;
import org.eclipse.lsp4j.PublishDiagnosticsParams;
import org.eclipse.lsp4j.RegistrationParams;
import org.eclipse.lsp4j.ShowDocumentParams;
import org.eclipse.lsp4j.ShowDocumentResult;
import org.eclipse.lsp4j.ShowMessageRequestParams;
import org.eclipse.lsp4j.TextDocumentContentChangeEvent;
import org.eclipse.lsp4j.TextDocumentIdentifier;
import org.eclipse.lsp4j.TextDocumentItem;
import org.eclipse.lsp4j.VersionedTextDocumentIdentifier;
import org.eclipse.lsp4j.WorkDoneProgressBegin;
import org.eclipse.lsp4j.WorkDoneProgressCreateParams;
import org.eclipse.lsp4j.WorkDoneProgressEnd;
import org.eclipse.lsp4j.WorkDoneProgressReport;
import org.eclipse.lsp4j.WorkspaceFolder;
import org.eclipse.lsp4j.services.LanguageClient;
import org.eclipse.lsp4j.services.LanguageServer;

/** What LSP4IJ does with the messages of a server, without the windows that it shows them in. */
class Ide implements LanguageClient {
    /** Part of a question, and how the button begins that the person presses; all other balloons are closed. */
    final Map<String, String> answers = new LinkedHashMap<>();

    final List<String> told = new CopyOnWriteArrayList<>();
    final List<String> asked = new CopyOnWriteArrayList<>();
    final List<String> shown = new CopyOnWriteArrayList<>();
    final List<String> progress = new CopyOnWriteArrayList<>();
    final List<String> running = new CopyOnWriteArrayList<>();
    final List<String> registered = new CopyOnWriteArrayList<>();
    final Map<String, List<Diagnostic>> diagnostics = new ConcurrentHashMap<>();
    final AtomicInteger lensRefreshes = new AtomicInteger();
    final AtomicInteger hintRefreshes = new AtomicInteger();

    /** What LSP4IJ could not work with. */
    final List<String> complaints = new CopyOnWriteArrayList<>();

    protected LanguageServer server;
    private final WorkspaceFolder folder;
    private final Object settings;
    private final Map<String, Buffer> buffers = new ConcurrentHashMap<>();
    private final Set<String> created = new HashSet<>();
    /** The thread of writing: edits and typing come one after another. */
    private final ExecutorService writing = Executors.newSingleThreadExecutor();

    Ide(WorkspaceFolder folder, Object settings) {
        this.folder = folder;
        this.settings = settings;
    }

    void connect(LanguageServer to) {
        server = to;
    }

    void close() {
        writing.shutdownNow();
    }

    /** What was last to be seen: for somebody who wonders why nothing goes on. */
    String newest() {
        var last = progress.subList(Math.max(0, progress.size() - 6), progress.size());
        return "asked: " + asked + "\ntold: " + told + "\nprogress: " + last;
    }

    // What the person does with documents.

    void open(Path file) throws Exception {
        open(file, Files.readString(file));
    }

    private void open(Path file, String text) {
        var buffer = new Buffer(uri(file), text);
        buffers.put(buffer.uri, buffer);
        var item = new TextDocumentItem(buffer.uri, "plaintext", buffer.version(), text);
        server.getTextDocumentService().didOpen(new DidOpenTextDocumentParams(item));
    }

    void type(Path file, String old, String now) {
        write(() -> {
            var buffer = buffer(file);
            tell(buffer, List.of(buffer.replace(old, now)));
        });
    }

    void save(Path file) throws Exception {
        Files.writeString(file, buffer(file).text());
        server.getTextDocumentService().didSave(new DidSaveTextDocumentParams(new TextDocumentIdentifier(uri(file))));
    }

    /** The IDE sees that a file has changed on disk, and takes it over where nothing was typed. */
    void reload(Path file) throws Exception {
        var now = Files.readString(file);
        write(() -> {
            var buffer = buffer(file);
            if (!buffer.text().equals(now)) {
                tell(buffer, List.of(buffer.replace(buffer.text(), now)));
            }
        });
    }

    Buffer buffer(Path file) {
        return buffers.get(uri(file));
    }

    static String uri(Path file) {
        return file.toUri().toString();
    }

    private void write(Runnable act) {
        CompletableFuture.runAsync(act, writing).join();
    }

    private void tell(Buffer buffer, List<TextDocumentContentChangeEvent> changes) {
        var which = new VersionedTextDocumentIdentifier(buffer.uri, buffer.version());
        server.getTextDocumentService().didChange(new DidChangeTextDocumentParams(which, changes));
    }

    // What the server asks for and tells.

    /** It says "applied" whatever it did, before the server is told what has changed. */
    @Override
    public CompletableFuture<ApplyWorkspaceEditResponse> applyEdit(ApplyWorkspaceEditParams params) {
        var answer = new CompletableFuture<ApplyWorkspaceEditResponse>();
        writing.execute(() -> {
            var changes = new LinkedHashMap<Buffer, List<TextDocumentContentChangeEvent>>();
            for (var change : params.getEdit().getDocumentChanges()) {
                var edits = change.getLeft().getEdits().stream().map(edit -> edit.getLeft()).toList();
                var buffer = buffers.get(change.getLeft().getTextDocument().getUri());
                changes.put(buffer, buffer.apply(edits));
            }
            answer.complete(new ApplyWorkspaceEditResponse(true));
            changes.forEach(this::tell);
        });
        return answer;
    }

    /** Its balloon is pressed, or closed at once, which cancels the request. */
    @Override
    public CompletableFuture<MessageActionItem> showMessageRequest(ShowMessageRequestParams params) {
        asked.add(params.getMessage());
        var answer = new CompletableFuture<MessageActionItem>();
        for (var one : answers.entrySet()) {
            if (params.getMessage().contains(one.getKey())) {
                var pressed = params.getActions().stream()
                        .filter(action -> action.getTitle().startsWith(one.getValue()))
                        .findFirst();
                answer.complete(pressed.orElseThrow(() -> new AssertionError("no such button: " + params)));
                return answer;
            }
        }
        answer.cancel(true);
        return answer;
    }

    /** Without a selection it fails where nobody sees it, and never answers. */
    @Override
    public CompletableFuture<ShowDocumentResult> showDocument(ShowDocumentParams params) {
        if (params.getSelection() == null) {
            complaints.add("a document without a selection is never shown: " + params);
            return new CompletableFuture<>();
        }
        shown.add(params.getUri());
        return CompletableFuture.completedFuture(new ShowDocumentResult(true));
    }

    @Override
    public void showMessage(MessageParams params) {
        told.add(params.getMessage());
    }

    @Override
    public void logMessage(MessageParams params) {
        if (params.getMessage() == null) {
            complaints.add("an empty message in the log");
        }
    }

    @Override
    public void telemetryEvent(Object event) {
        complaints.add("telemetry, which it does not know: " + event);
    }

    @Override
    public void publishDiagnostics(PublishDiagnosticsParams params) {
        diagnostics.put(params.getUri(), params.getDiagnostics());
    }

    @Override
    public CompletableFuture<Void> createProgress(WorkDoneProgressCreateParams params) {
        created.add(params.getToken().getLeft());
        return CompletableFuture.completedFuture(null);
    }

    /** Progress becomes a background task with a button to cancel it. What nobody had created is dropped. */
    @Override
    public void notifyProgress(ProgressParams params) {
        var token = params.getToken().getLeft();
        var value = params.getValue().getLeft();
        if (!created.contains(token)) {
            complaints.add("progress that nobody created: " + params);
        } else if (value instanceof WorkDoneProgressBegin begin) {
            if (!Boolean.TRUE.equals(begin.getCancellable())) {
                complaints.add("a task without a button to cancel it: " + begin);
            }
            running.add(token);
        } else if (value instanceof WorkDoneProgressReport report) {
            progress.add(String.valueOf(report.getMessage()));
        } else if (value instanceof WorkDoneProgressEnd) {
            running.remove(token);
        }
    }

    @Override
    public CompletableFuture<Void> registerCapability(RegistrationParams params) {
        params.getRegistrations().forEach(one -> registered.add(one.getMethod()));
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<List<WorkspaceFolder>> workspaceFolders() {
        return CompletableFuture.completedFuture(List.of(folder));
    }

    @Override
    public CompletableFuture<List<Object>> configuration(ConfigurationParams params) {
        var items = params.getItems().stream().map(item -> settings).toList();
        return CompletableFuture.completedFuture(items);
    }

    @Override
    public CompletableFuture<Void> refreshCodeLenses() {
        lensRefreshes.incrementAndGet();
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> refreshInlayHints() {
        hintRefreshes.incrementAndGet();
        return CompletableFuture.completedFuture(null);
    }
}
