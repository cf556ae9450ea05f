import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** The HTTP client of the JDK and a loop over lines that knows `data:` only. */
final class JavaNetHttp {
  private JavaNetHttp() {}

  public static void main(String[] arguments) throws Exception {
    Contract contract = new Contract(arguments);
    HttpRequest request = HttpRequest.newBuilder(URI.create(contract.url)).build();
    try {
      var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofLines());
      contract.opened();
      response.body().forEach(line -> {
        if (line.startsWith("data:")) contract.handed(null, line.substring(5).stripLeading(), null);
      });
    } catch (Exception error) {
      contract.failed(error);
    }
    contract.ended();
    System.exit(0);
  }
}
