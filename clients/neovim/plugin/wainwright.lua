-- :Wainwright COMMAND [TEXT] sends one of the server's commands; alone it lists what can be done here.
local takes = {
  start = 'goal', explain = 'goal', plan = 'goal', design = 'goal', build = 'goal', test = 'goal', review = 'goal',
  deploy = 'goal',
  approve = 'answer', answer = 'words', reject = 'reason', note = 'words', rewind = 'checkpoint',
}

local function client()
  return vim.lsp.get_clients({ name = 'wainwright' })[1]
end

local function commands()
  local one = client()
  local listed = one and vim.tbl_get(one.server_capabilities, 'executeCommandProvider', 'commands') or {}
  return vim.tbl_map(function(name) return (name:gsub('^wainwright%.', '')) end, listed)
end

local function answered(failure, result)
  if failure then
    vim.notify(failure.message, vim.log.levels.WARN)
    return
  end
  for _, run in ipairs(type(result) == 'table' and result.runs or {}) do
    print(('%s  %s  %d %%'):format(run.run, run.stage, run.percent))
  end
end

vim.api.nvim_create_user_command('Wainwright', function(given)
  local one = client()
  if not one then
    vim.notify('Wainwright has not started here (yet); :checkhealth vim.lsp tells more', vim.log.levels.WARN)
    return
  end
  local name = given.fargs[1]
  if not name then
    vim.lsp.buf.code_action({ filter = function(action) return action.title:find('Wainwright', 1, true) ~= nil end })
    return
  end
  local text = table.concat(given.fargs, ' ', 2)
  local argument = vim.empty_dict()
  if text ~= '' then argument[takes[name] or 'run'] = text end
  if name == 'why' then
    argument.uri = vim.uri_from_bufnr(0)
    argument.line = vim.api.nvim_win_get_cursor(0)[1] - 1
  end
  one:exec_cmd({ title = name, command = 'wainwright.' .. name, arguments = { argument } }, nil, answered)
end, {
  nargs = '*',
  desc = 'Send a command to Wainwright',
  complete = function(start)
    return vim.tbl_filter(function(name) return vim.startswith(name, start) end, commands())
  end,
})

vim.api.nvim_create_autocmd('LspProgress', {
  desc = 'Keep how far Wainwright is, for the status line',
  callback = function(event)
    local one = client()
    local value = event.data.params.value
    if not one or event.data.client_id ~= one.id then return end
    vim.g.wainwright = value.kind ~= 'end' and value.message or ''
    vim.cmd.redrawstatus()
  end,
})
