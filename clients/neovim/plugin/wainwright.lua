-- :Wainwright COMMAND [TEXT] sends one of the server's commands; everything else is code actions.
local takes = { start = 'goal', plan = 'goal', review = 'goal', approve = 'answer', reject = 'reason' }

local function client()
  return vim.lsp.get_clients({ name = 'wainwright' })[1]
end

local function commands()
  local one = client()
  local listed = one and vim.tbl_get(one.server_capabilities, 'executeCommandProvider', 'commands') or {}
  return vim.tbl_map(function(name) return (name:gsub('^wainwright%.', '')) end, listed)
end

vim.api.nvim_create_user_command('Wainwright', function(given)
  local one = client()
  if not one then
    vim.notify('Wainwright is not at work here: vim.lsp.enable("wainwright")', vim.log.levels.WARN)
    return
  end
  local name = given.fargs[1]
  local text = table.concat(given.fargs, ' ', 2)
  local argument = vim.empty_dict()
  if text ~= '' then argument[takes[name] or 'run'] = text end
  one:exec_cmd({ title = name, command = 'wainwright.' .. name, arguments = { argument } })
end, {
  nargs = '+',
  desc = 'Send a command to Wainwright',
  complete = function(start)
    return vim.tbl_filter(function(name) return vim.startswith(name, start) end, commands())
  end,
})
