-- Each request writes another learner's first review: the next line of the file holds a token, a course and a number.
dofile("report.lua")

local lines_left

function init(args)
   lines_left = io.open(args[1]):lines()
end

function request()
   local token, course, number = string.match(lines_left() or error("no learners left"), "(%S+) (%S+) (%S+)")
   local comment = "Chapter " .. number .. " was worth all the others, and I shall come again for the one after it."
   return wrk.format("POST", "/api/v1/courses/" .. course .. "/reviews", {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/json",
      ["X-Forwarded-Proto"] = "https",
   }, '{"rating": ' .. (1 + number % 5) .. ', "comment": "' .. comment .. '"}')
end
