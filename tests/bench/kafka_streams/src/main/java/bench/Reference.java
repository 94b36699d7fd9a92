package bench;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/**
 * The reference job: windows of a minute by queue × channel, count, sum and max of handle time, updates published.
 *
 * <p>Arguments: BOOTSTRAP APPLICATION SOURCE SINK dsl|local THREADS GUARANTEE STATE_DIRECTORY. "dsl" is what the documentation
 * teaches (group by a new key, so through a repartition topic); "local" counts each source partition for itself.
 */
public final class Reference {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  // Source partitions of a catch-up run apart in event time; with a short grace the slower ones would lose events.
  private static final Duration GRACE = Duration.ofDays(1);

  private Reference() {}

  public static void main(String[] arguments) {
    String source = arguments[2];
    String sink = arguments[3];
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Event> events =
        builder.stream(
            source,
            Consumed.with(Serdes.String(), Event.serde())
                .withTimestampExtractor((record, before) -> ((Event) record.value()).time));
    KStream<String, String> updates = arguments[4].equals("dsl") ? dsl(events) : local(builder, events);
    updates.to(sink, Produced.with(Serdes.String(), Serdes.String()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(arguments));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  private static KStream<String, String> dsl(KStream<String, Event> events) {
    Serde<String> text = Serdes.String();
    return events
        .map((interaction, event) -> KeyValue.pair(event.queue + "|" + event.channel, event.handle_ms))
        .groupByKey(Grouped.with(text, Serdes.Long()))
        .windowedBy(TimeWindows.ofSizeAndGrace(MINUTE, GRACE))
        .aggregate(
            () -> Sums.NOTHING,
            (key, handleMs, sums) -> sums.add(handleMs),
            Materialized.<String, Sums>as(
                    Stores.inMemoryWindowStore("sums", GRACE.plus(MINUTE), MINUTE, false))
                .withKeySerde(text)
                .withValueSerde(Sums.serde())
                .withCachingEnabled())
        .toStream((key, sums) -> "|" + key.key() + "|" + key.window().start() / MINUTE.toMillis())
        .mapValues(Sums::json);
  }

  private static KStream<String, String> local(StreamsBuilder builder, KStream<String, Event> events) {
    builder.addStateStore(
        Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(Local.STORE), Serdes.String(), Sums.serde())
            .withCachingEnabled());
    return events.process(Local::new, Local.STORE);
  }

  private static Properties settings(String[] arguments) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(arguments[5]));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[6]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[7]);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    // As long as our flush may stretch under load; the defaults are 30 s, and 100 ms with exactly_once_v2.
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    // Holds every window of the run, so that only commits send updates.
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    settings.put("consumer.auto.offset.reset", "earliest");
    settings.put("producer.compression.type", "lz4");
    return settings;
  }
}
