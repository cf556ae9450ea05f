import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;

/** com.squareup.okhttp3:okhttp-sse, with a client as OkHttp makes it by default. */
final class OkHttpSse extends EventSourceListener {
  private final Contract contract;

  private OkHttpSse(Contract contract) {
    this.contract = contract;
  }

  public static void main(String[] arguments) {
    Contract contract = new Contract(arguments);
    Request request = new Request.Builder().url(contract.url).build();
    EventSources.createFactory(new OkHttpClient()).newEventSource(request, new OkHttpSse(contract));
  }

  @Override
  public void onOpen(EventSource source, Response response) {
    contract.opened();
  }

  @Override
  public void onEvent(EventSource source, String id, String type, String data) {
    contract.handed(type, data, id);
  }

  @Override
  public void onClosed(EventSource source) {
    contract.ended();
  }

  @Override
  public void onFailure(EventSource source, Throwable error, Response response) {
    contract.failed(error);
    contract.ended();
  }
}
