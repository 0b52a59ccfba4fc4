-- Shared by the load scripts: statuses are counted in each thread, and all is written as one line of JSON.
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

statuses = {}

function response(status)
   statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
   local counted = {}
   for _, thread in ipairs(threads) do
      for status, count in pairs(thread:get("statuses")) do
         counted[status] = (counted[status] or 0) + count
      end
   end
   local parts = {}
   for status, count in pairs(counted) do
      table.insert(parts, string.format('"%d": %d', status, count))
   end
   local errors = summary.errors
   io.write(string.format(
      '\nRESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "broken": %d, "statuses": {%s}}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.timeout, table.concat(parts, ", ")))
end
