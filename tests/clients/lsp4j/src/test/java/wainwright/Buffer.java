package wainwright;

import java.util.Comparator;
import java.util.List;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.Range;
import org.eclipse.lsp4j.TextDocumentContentChangeEvent;
import org.eclipse.lsp4j.TextEdit;

/** A document that is open in the IDE. Positions count UTF-16 units, as Java's strings do. */
final class Buffer {
    final String uri;
    private String text;
    private int version = 1;

    Buffer(String uri, String text) {
        this.uri = uri;
        this.text = text;
    }

    String text() {
        return text;
    }

    int version() {
        return version;
    }

    /** Puts a text in the place of another, which is there once; how the server is told. */
    TextDocumentContentChangeEvent replace(String old, String now) {
        int start = text.indexOf(old);
        if (start < 0 || text.indexOf(old, start + 1) >= 0) {
            throw new IllegalArgumentException("not there exactly once: " + old + "\nin\n" + text);
        }
        return change(start, start + old.length(), now);
    }

    /** Applies edits to whatever is there, and asks for no version: so does LSP4IJ. */
    List<TextDocumentContentChangeEvent> apply(List<TextEdit> edits) {
        var last = Comparator.comparingInt((TextEdit edit) -> offset(edit.getRange().getStart())).reversed();
        return edits.stream().sorted(last).map(this::change).toList();
    }

    /** The position of some words. */
    Position position(String words) {
        int offset = text.indexOf(words);
        if (offset < 0) {
            throw new IllegalArgumentException("not there: " + words + "\nin\n" + text);
        }
        return position(offset);
    }

    /** All of it. */
    Range range() {
        return new Range(position(0), position(text.length()));
    }

    private TextDocumentContentChangeEvent change(TextEdit edit) {
        return change(offset(edit.getRange().getStart()), offset(edit.getRange().getEnd()), edit.getNewText());
    }

    private TextDocumentContentChangeEvent change(int start, int end, String now) {
        var range = new Range(position(start), position(end));
        text = text.substring(0, start) + now + text.substring(end);
        version += 1;
        return new TextDocumentContentChangeEvent(range, now);
    }

    private Position position(int offset) {
        int line = (int) text.substring(0, offset).chars().filter(unit -> unit == '\n').count();
        return new Position(line, offset - (text.lastIndexOf('\n', offset - 1) + 1));
    }

    /** The place of a position, or the nearest one inside. */
    private int offset(Position position) {
        int start = 0;
        for (int line = 0; line < position.getLine(); line++) {
            int end = text.indexOf('\n', start);
            if (end < 0) {
                return text.length();
            }
            start = end + 1;
        }
        int end = text.indexOf('\n', start);
        return Math.min(start + position.getCharacter(), end < 0 ? text.length() : end);
    }
}
