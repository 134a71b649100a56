package wainwright;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.eclipse.lsp4j.CodeAction;
import org.eclipse.lsp4j.CodeActionContext;
import org.eclipse.lsp4j.CodeActionKind;
import org.eclipse.lsp4j.CodeActionParams;
import org.eclipse.lsp4j.CodeActionTriggerKind;
import org.eclipse.lsp4j.CodeLens;
import org.eclipse.lsp4j.CodeLensParams;
import org.eclipse.lsp4j.Command;
import org.eclipse.lsp4j.Diagnostic;
import org.eclipse.lsp4j.DidChangeConfigurationParams;
import org.eclipse.lsp4j.ExecuteCommandParams;
import org.eclipse.lsp4j.InitializeParams;
import org.eclipse.lsp4j.InitializedParams;
import org.eclipse.lsp4j.InlayHint;
import org.eclipse.lsp4j.InlayHintParams;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.PositionEncodingKind;
import org.eclipse.lsp4j.Range;
import org.eclipse.lsp4j.ServerCapabilities;
import org.eclipse.lsp4j.TextDocumentIdentifier;
import org.eclipse.lsp4j.WorkDoneProgressCancelParams;
import org.eclipse.lsp4j.WorkspaceFolder;
import org.eclipse.lsp4j.jsonrpc.Endpoint;
import org.eclipse.lsp4j.jsonrpc.Launcher;
import org.eclipse.lsp4j.jsonrpc.RemoteEndpoint;
import org.eclipse.lsp4j.jsonrpc.json.MessageJsonHandler;
import org.eclipse.lsp4j.jsonrpc.json.StreamMessageConsumer;
import org.eclipse.lsp4j.jsonrpc.messages.Either;
import org.eclipse.lsp4j.jsonrpc.messages.Message;
import org.eclipse.lsp4j.jsonrpc.messages.MessageIssue;
import org.eclipse.lsp4j.jsonrpc.services.ServiceEndpoints;
import org.eclipse.lsp4j.services.LanguageServer;

/** The server as LSP4IJ starts it for an imported template, and a person at the IDE. */
final class Session implements AutoCloseable {
    /** Who chooses what has only just come up is asked whether it was meant, and presses the first button. */
    private static final String MEANT = "just as you chose";

    private static final int PATIENCE_S = 90;
    /** LSP4IJ has so many places for what Alt+Enter offers, and for the lenses of a line. */
    private static final int INTENTIONS_MAX = 20;

    private static final int LENSES_MAX = 12;

    final Ide ide;
    private final Process process;
    private final Launcher<LanguageServer> launcher;
    private final LanguageServer server;
    private final Logger library = Logger.getLogger("org.eclipse.lsp4j");
    private final Handler listener;
    private ServerCapabilities can;

    private Session(Ide ide, List<String> command, Path folder) throws Exception {
        this.ide = ide;
        listener = new Complaints(ide.complaints);
        library.addHandler(listener);
        process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(Path.of(System.getProperty("log")).toFile()))
                .start();
        launcher = new Strict(ide)
                .setLocalService(ide)
                .setRemoteInterface(LanguageServer.class)
                .setInput(process.getInputStream())
                .setOutput(process.getOutputStream())
                .validateMessages(true)
                .create();
        server = launcher.getRemoteProxy();
        ide.connect(server);
        launcher.startListening();
    }

    static Session start(BiFunction<WorkspaceFolder, Object, Ide> kind, JsonElement experimental) throws Exception {
        var template = new Template(Path.of(System.getProperty("template")));
        var folder = Path.of(System.getProperty("folder"));
        var root = new WorkspaceFolder(Ide.uri(folder), folder.getFileName().toString());
        var settings = template.read("settings.json");
        var ide = kind.apply(root, settings);
        ide.answers.put(MEANT, "");
        var session = new Session(ide, template.command(), folder);
        var params = Profile.read();
        params.setProcessId((int) ProcessHandle.current().pid());
        params.setWorkspaceFolders(List.of(root));
        params.setInitializationOptions(template.read("initializationOptions.json"));
        params.getCapabilities().setExperimental(experimental);
        session.can = get(session.server.initialize(params)).getCapabilities();
        session.server.initialized(new InitializedParams());
        session.server.getWorkspaceService().didChangeConfiguration(new DidChangeConfigurationParams(settings));
        assertEquals(PositionEncodingKind.UTF16, session.can.getPositionEncoding());
        return session;
    }

    /** Waits until something is so; whatever the library could not work with ends it. */
    void until(String what, Callable<Boolean> so) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!so.call()) {
            assertEquals(List.of(), ide.complaints, what);
            assertTrue(process.isAlive(), () -> "the server ended before: " + what);
            assertTrue(System.nanoTime() < end, () -> "never: " + what + "\n" + ide.newest());
            Thread.sleep(20);
        }
    }

    void isTold(String part) throws Exception {
        until("told: " + part, () -> ide.told.stream().anyMatch(message -> message.contains(part)));
    }

    /** A balloon with these words, so many in all; whether something was meant is no question of its own. */
    void isAsked(String part, long times) throws Exception {
        until("asked: " + part, () -> ide.asked.stream()
                .filter(one -> one.contains(part) && !one.contains(MEANT))
                .count() >= times);
    }

    /** What Alt+Enter offers at a place. */
    List<CodeAction> intentions(Path file, Position at) throws Exception {
        var context = new CodeActionContext(List.of());
        context.setTriggerKind(CodeActionTriggerKind.Automatic);
        var offered = actions(file, new Range(at, at), context).stream()
                .filter(action -> !CodeActionKind.QuickFix.equals(action.getKind()))
                .toList();
        assertTrue(offered.size() <= INTENTIONS_MAX, offered::toString);
        return offered;
    }

    /** What is offered for a problem that the server has told. */
    List<CodeAction> quickFixes(Path file, Diagnostic problem) throws Exception {
        var context = new CodeActionContext(List.of(problem), List.of(CodeActionKind.QuickFix));
        context.setTriggerKind(CodeActionTriggerKind.Automatic);
        return actions(file, problem.getRange(), context);
    }

    private List<CodeAction> actions(Path file, Range range, CodeActionContext context) throws Exception {
        var params = new CodeActionParams(document(file), range, context);
        return get(server.getTextDocumentService().codeAction(params)).stream().map(Either::getRight).toList();
    }

    /** Chooses what is offered at a place under a title, as soon as it is. */
    void choose(Path file, Position at, String title) throws Exception {
        var fitting = new ArrayList<CodeAction>();
        until("offered: " + title, () -> {
            intentions(file, at).stream().filter(one -> one.getTitle().contains(title)).forEach(fitting::add);
            return !fitting.isEmpty();
        });
        assertEquals(1, fitting.size(), fitting::toString);
        execute(fitting.get(0).getCommand());
    }

    /** A command that a server does not list is taken for one of the IDE. */
    Object execute(Command command) throws Exception {
        assertTrue(can.getExecuteCommandProvider().getCommands().contains(command.getCommand()), command::toString);
        var params = new ExecuteCommandParams(command.getCommand(), command.getArguments());
        return get(server.getWorkspaceService().executeCommand(params));
    }

    Object execute(String name, JsonObject argument) throws Exception {
        return execute(new Command("", "wainwright." + name, List.of(argument)));
    }

    /** What the lenses of a document say and do; those without a command are resolved where the server offers it. */
    Map<String, Command> lenses(Path file) throws Exception {
        var texts = server.getTextDocumentService();
        var found = get(texts.codeLens(new CodeLensParams(document(file))));
        var lines = found.stream().collect(Collectors.groupingBy(one -> one.getRange().getStart().getLine()));
        lines.values().forEach(line -> assertTrue(line.size() <= LENSES_MAX, line::toString));
        boolean resolves = Boolean.TRUE.equals(can.getCodeLensProvider().getResolveProvider());
        var shown = new LinkedHashMap<String, Command>();
        for (CodeLens lens : found) {
            var whole = lens.getCommand() == null && resolves ? get(texts.resolveCodeLens(lens)) : lens;
            shown.put(whole.getCommand().getTitle(), whole.getCommand());
        }
        return shown;
    }

    List<InlayHint> hints(Path file) throws Exception {
        var params = new InlayHintParams(document(file), ide.buffer(file).range());
        return get(server.getTextDocumentService().inlayHint(params));
    }

    /** The button beside a background task. */
    void cancelTask(String token) {
        server.cancelProgress(new WorkDoneProgressCancelParams(Either.forLeft(token)));
    }

    /** The project is closed; how the server ends. */
    int leave() throws Exception {
        get(server.shutdown());
        server.exit();
        assertTrue(process.waitFor(PATIENCE_S, TimeUnit.SECONDS), "the server stays");
        assertEquals(List.of(), ide.complaints);
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        ide.close();
        library.removeHandler(listener);
    }

    private static TextDocumentIdentifier document(Path file) {
        return new TextDocumentIdentifier(Ide.uri(file));
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE_S, TimeUnit.SECONDS);
    }

    /** Takes what the library cannot read, of a request also, for a complaint. */
    private static final class Strict extends Launcher.Builder<LanguageServer> {
        private final Ide ide;

        Strict(Ide ide) {
            this.ide = ide;
        }

        @Override
        protected RemoteEndpoint createRemoteEndpoint(MessageJsonHandler json) {
            var out = wrapMessageConsumer(new StreamMessageConsumer(output, json));
            Endpoint local = ServiceEndpoints.toEndpoint(localServices);
            var endpoint = new RemoteEndpoint(out, local) {
                @Override
                public void handle(Message message, List<MessageIssue> issues) {
                    ide.complaints.add(issues + " in " + message);
                    super.handle(message, issues);
                }
            };
            json.setMethodProvider(endpoint);
            endpoint.setJsonHandler(json);
            return endpoint;
        }
    }

    /** What the library logs when it cannot work with a message. An answer and its cancel may cross. */
    private static final class Complaints extends Handler {
        private final List<String> complaints;

        Complaints(List<String> complaints) {
            this.complaints = complaints;
        }

        @Override
        public void publish(LogRecord entry) {
            boolean crossed = entry.getMessage().startsWith("Unmatched cancel notification");
            if (entry.getLevel().intValue() >= Level.WARNING.intValue() && !crossed) {
                complaints.add(entry.getMessage() + (entry.getThrown() == null ? "" : ": " + entry.getThrown()));
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
