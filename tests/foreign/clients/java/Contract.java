import com.google.gson.GsonBuilder;
import com.google.gson.JsonParser;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The contract of every client program: `PROGRAM URL [--listen TYPE]... [--parse]`, and one JSON object a line on stdout. */
final class Contract {
  final String url;
  private final boolean parse;

  Contract(String[] arguments) {
    url = arguments[0];
    parse = List.of(arguments).contains("--parse");
  }

  /** The library has handed something over. With `--parse`, the parser's exception goes back to the library. */
  void handed(String event, String data, String id) {
    if (parse && JsonParser.parseString(data).isJsonNull()) throw new IllegalArgumentException("no JSON");
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("event", event);
    line.put("data", data);
    line.put("id", id);
    say(line);
  }

  void opened() {
    say(Map.of("open", true));
  }

  void failed(Throwable error) {
    say(Map.of("error", String.valueOf(error)));
  }

  /** The library will not come back by itself. */
  void ended() {
    say(Map.of("ended", true));
  }

  private synchronized void say(Object line) {
    System.out.println(new GsonBuilder().serializeNulls().disableHtmlEscaping().create().toJson(line));
  }
}
