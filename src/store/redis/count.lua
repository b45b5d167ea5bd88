-- The arithmetic of actors::counts::Rule over every key at once; the clock is this server's.
-- ARGV: what to do, then each key's window and interval in microseconds.
-- Returns the index of the first count that refuses (0: none) and the microseconds to wait.
local act = ARGV[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local full_at = {}
for i, key in ipairs(KEYS) do
  local window, interval = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stored = tonumber(redis.call('GET', key) or now) or now
  full_at[i] = math.min(math.max(stored, now), now + window)
  local wait = full_at[i] - now - (window - interval)
  if act ~= 'give back' and wait > 0 then
    return {i, wait}
  end
end
if act ~= 'look' then
  for i, key in ipairs(KEYS) do
    local interval = tonumber(ARGV[2 * i + 1])
    local next_at = full_at[i] + interval
    if act == 'give back' then
      next_at = math.max(now, full_at[i] - interval)
    end
    if next_at > now then
      redis.call('SET', key, string.format('%.0f', next_at), 'PX', math.ceil((next_at - now) / 1000))
    else
      redis.call('DEL', key)
    end
  end
end
return {0, 0}
