"""What runs inside Redis (Lua): the guard that lets no older version win, and what keeps the live view short.

The surprise: versions are compared as texts of equal length, because Lua here has no 64-bit integers (core/live.py).
"""

from typing import Final

# KEYS: hash, optional sorted set. ARGV: field, version, JSON, expiry in seconds, member and score for the sorted set.
GUARD: Final = """
local held = redis.call('HGET', KEYS[1], ARGV[1] .. ':v')
if held and held > ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], ARGV[1] .. ':v', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if KEYS[2] then
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[5])
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
return 1
"""

# KEYS: sorted set. ARGV: expiry in seconds, how much to keep in ms, then start and JSON of each minute.
MINUTES: Final = """
for i = 3, #ARGV, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[i], ARGV[i])
  redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', tonumber(newest) - tonumber(ARGV[2])))
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

# KEYS: alerts, their ends. ARGV: ended before this leave, how many ended ones stay at most.
PRUNE_ALERTS: Final = """
local function leave(gone)
  for _, id in ipairs(gone) do
    redis.call('HDEL', KEYS[1], id, id .. ':v')
    redis.call('ZREM', KEYS[2], id)
  end
end
leave(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1]))
leave(redis.call('ZREVRANGEBYSCORE', KEYS[2], '(+inf', '-inf', 'LIMIT', ARGV[2], -1))
"""

# KEYS: series of a cut, their ranking. ARGV: last published before this leave.
PRUNE_SERIES: Final = """
for _, series in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])) do
  redis.call('ZREM', KEYS[1], series)
  redis.call('ZREM', KEYS[2], series)
end
"""
