import com.launchdarkly.eventsource.EventSource;
import com.launchdarkly.eventsource.MessageEvent;
import com.launchdarkly.eventsource.background.BackgroundEventHandler;
import com.launchdarkly.eventsource.background.BackgroundEventSource;
import java.net.URI;
import java.util.concurrent.CountDownLatch;

/** com.launchdarkly:okhttp-eventsource, with a handler in the background. */
final class LaunchDarkly implements BackgroundEventHandler {
  private final Contract contract;

  private LaunchDarkly(Contract contract) {
    this.contract = contract;
  }

  public static void main(String[] arguments) throws InterruptedException {
    Contract contract = new Contract(arguments);
    EventSource.Builder builder = new EventSource.Builder(URI.create(contract.url));
    new BackgroundEventSource.Builder(new LaunchDarkly(contract), builder).build().start();
    // Its threads do not keep a program alive.
    new CountDownLatch(1).await();
  }

  @Override
  public void onOpen() {
    contract.opened();
  }

  @Override
  public void onClosed() {}

  @Override
  public void onMessage(String type, MessageEvent event) {
    contract.handed(type, event.getData(), event.getLastEventId());
  }

  @Override
  public void onComment(String comment) {}

  @Override
  public void onError(Throwable error) {
    contract.failed(error);
  }
}
