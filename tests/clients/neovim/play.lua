-- `nvim -u INIT -l play.lua SCRIPT WORD...` plays one of the scripts beside this; any failure ends it with a message
-- and a code, which some versions keep to themselves.
local folder = vim.fs.dirname(arg[0])
package.path = folder .. '/?.lua;' .. package.path
local done, why = xpcall(dofile, debug.traceback, folder .. '/' .. table.remove(arg, 1))
if not done then
  io.stderr:write(why .. '\n')
  os.exit(1)
end
