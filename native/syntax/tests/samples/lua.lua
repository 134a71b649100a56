local json = require("json")
local M = {}

LIMIT = 3

-- Adds.
function M.add(a, b)
  return helper(a) + b
end

function M:close()
  self:stop()
end

local function helper(n) return n end

M.twice = function(n) return n * 2 end

local handlers = { open = function() M.add(1, 2) end }

return M
