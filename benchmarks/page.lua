-- The same page over and over: the file holds its path and, if it needs one, a header.
dofile("report.lua")

local prepared

function init(args)
   local path, name, value = string.match(io.open(args[1]):read(), "(%S+) ?(%S*) ?(.*)")
   local headers = { ["X-Forwarded-Proto"] = "https" }
   if name ~= "" then
      headers[name] = value
   end
   prepared = wrk.format("GET", path, headers)
end

function request()
   return prepared
end
