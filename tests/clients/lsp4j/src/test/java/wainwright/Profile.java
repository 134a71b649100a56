package wainwright;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.lsp4j.InitializeParams;
import org.eclipse.lsp4j.jsonrpc.json.MessageJsonHandler;
import org.eclipse.lsp4j.jsonrpc.services.ServiceEndpoints;
import org.eclipse.lsp4j.services.LanguageServer;

/** What LSP4IJ says of itself in its first message. */
final class Profile {
    static final Gson GSON =
            new MessageJsonHandler(ServiceEndpoints.getSupportedMethods(LanguageServer.class)).getGson();

    private Profile() {}

    static JsonObject json() throws IOException {
        return JsonParser.parseString(Files.readString(Path.of(System.getProperty("profile")))).getAsJsonObject();
    }

    static InitializeParams read() throws IOException {
        return GSON.fromJson(json(), InitializeParams.class);
    }
}
