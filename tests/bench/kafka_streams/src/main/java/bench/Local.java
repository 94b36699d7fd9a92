package bench;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Sums of one source partition, as this project's engine counts: no repartition topic; what changed is sent four times a second. */
final class Local implements Processor<String, Event, String, String> {
  static final String STORE = "sums";
  private static final long MINUTE_MS = 60_000;
  private static final Duration EVERY = Duration.ofMillis(250);

  private final Set<String> changed = new HashSet<>();
  private ProcessorContext<String, String> context;
  private KeyValueStore<String, Sums> store;

  @Override
  public void init(ProcessorContext<String, String> context) {
    this.context = context;
    store = context.getStateStore(STORE);
    context.schedule(EVERY, PunctuationType.WALL_CLOCK_TIME, this::send);
  }

  @Override
  public void process(Record<String, Event> record) {
    Event event = record.value();
    String key = event.queue + "|" + event.channel + "|" + event.time / MINUTE_MS;
    Sums sums = store.get(key);
    store.put(key, (sums == null ? Sums.NOTHING : sums).add(event.handle_ms));
    changed.add(key);
  }

  private void send(long nowMs) {
    int partition = context.taskId().partition();
    for (String key : changed) {
      context.forward(new Record<>(partition + "|" + key, store.get(key).json(), nowMs));
    }
    changed.clear();
  }
}
