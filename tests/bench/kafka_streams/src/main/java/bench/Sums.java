package bench;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Count, sum and max of handle time. */
public record Sums(long count, long sum, long max) {
  static final Sums NOTHING = new Sums(0, 0, Long.MIN_VALUE);

  Sums add(long handleMs) {
    return new Sums(count + 1, sum + handleMs, Math.max(max, handleMs));
  }

  String json() {
    return "{\"count\":" + count + ",\"sum\":" + sum + ",\"max\":" + max + "}";
  }

  /** 24 bytes. */
  static Serde<Sums> serde() {
    return Serdes.serdeFrom(
        (topic, sums) ->
            sums == null
                ? null
                : ByteBuffer.allocate(24).putLong(sums.count).putLong(sums.sum).putLong(sums.max).array(),
        (topic, data) -> {
          if (data == null) {
            return null;
          }
          ByteBuffer buffer = ByteBuffer.wrap(data);
          return new Sums(buffer.getLong(), buffer.getLong(), buffer.getLong());
        });
  }
}
