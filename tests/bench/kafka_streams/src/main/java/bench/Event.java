package bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The fields of an interaction event that the job needs. */
@JsonIgnoreProperties(ignoreUnknown = true)
public final class Event {
  public long time;
  public String queue;
  public String channel;
  public long handle_ms;

  /** Reads JSON; events are never written. */
  static Serde<Event> serde() {
    ObjectReader reader = new ObjectMapper().readerFor(Event.class);
    Deserializer<Event> deserializer =
        (topic, data) -> {
          try {
            return data == null ? null : reader.readValue(data);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        };
    return Serdes.serdeFrom(
        (topic, event) -> {
          throw new UnsupportedOperationException("events are only read");
        },
        deserializer);
  }
}
