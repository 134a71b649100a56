package wainwright;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The folder that is imported into LSP4IJ, as that reads it. */
record Template(Path folder) {

    JsonElement read(String name) throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve(name)));
    }

    /** What is started on anything but Windows. */
    List<String> command() throws IOException {
        var template = read("template.json").getAsJsonObject();
        var words = template.getAsJsonObject("programArgs").get("default").getAsString();
        if (words.contains("\"")) {
            throw new IllegalStateException("a command with quotes is cut up otherwise by LSP4IJ: " + words);
        }
        return List.of(words.split(" "));
    }
}
