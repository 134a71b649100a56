-- :Wainwright COMMAND [WORDS]: which commands there are, what the words are, and what they can be completed to.
local server = require('wainwright.server')

local M = {}

-- What the words after a command are, in this order; of a command that is not named here, the run. A word goes to the
-- first kind that knows it, and all words from one on that none knows to the last kind.
local takes = {
  start = { 'goal' }, work = { 'goal' }, explain = { 'goal' },
  plan = { 'goal' }, design = { 'goal' }, build = { 'goal' },
  test = { 'goal' }, review = { 'goal' }, deploy = { 'goal' },
  approve = { 'gate', 'answer' }, answer = { 'gate', 'words' }, reject = { 'gate', 'reason' }, note = { 'words' },
  show = { 'document', 'run' },
  task = { 'way', 'task' },
  difference = { 'task' },
  rewind = { 'checkpoint' },
  timeline = { 'how', 'run' },
}

local function names(list, field)
  return vim.tbl_map(function(one) return one[field] end, list or {})
end

local known = {
  run = function() return names(server.ask('runs').runs, 'run') end,
  gate = function()
    local gates = {}
    for _, run in ipairs(server.ask('runs').runs or {}) do vim.list_extend(gates, names(run.gates, 'id')) end
    return gates
  end,
  task = function() return require('wainwright.timeline').tasks() end,
  checkpoint = function() return names(server.ask('checkpoints').checkpoints, 'name') end,
  document = function() return { 'run.md', 'plan.md', 'change.diff' } end,
  way = function() return { 'pause', 'go-on', 'stop', 'again', 'skip' } end,
  how = function() return { 'float', 'split', 'close' } end,
}

-- A document of a run that is meant, or of the newest one.
local function with_run(run, use)
  if run then
    use(run)
    return
  end
  server.send('runs', nil, function(found)
    if found.runs[1] then
      use(found.runs[1].run)
    else
      server.complain('there is no run yet')
    end
  end)
end

local function open(run, name, at)
  with_run(run, function(one)
    local path = vim.fs.joinpath(server.folder(one), name)
    if not vim.uv.fs_stat(path) then
      server.complain(('run %s has no %s yet'):format(one, name))
      return
    end
    vim.cmd.edit(vim.fn.fnameescape(path))
    if at then vim.fn.search(at, 'cw') end
  end)
end

-- What this editor does by itself; all else is the server's.
local own = {
  diff = function(given) open(given.run, 'change.diff') end,
  cost = function(given) open(given.run, 'run.md', '^## Spent') end,
  goal = function()
    local client = server.here()
    if client then vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(client.root_dir, '.wainwright', 'goal.md'))) end
  end,
  log = function() require('wainwright.messages').open() end,
  findings = function() require('wainwright.documents').findings() end,
  timeline = function(given) require('wainwright.timeline').open(given.how or 'float', given.run) end,
  runs = function()
    server.send('runs', nil, function(found)
      vim.ui.select(found.runs, {
        prompt = 'Runs',
        format_item = function(run)
          return ('%s  %s  %d %%  %s'):format(run.run, run.stage, run.percent, run.goal)
        end,
      }, function(run)
        if run then server.send('show', { run = run.run }) end
      end)
    end)
  end,
}

local function all()
  local client = server.here()
  local listed = client and vim.tbl_get(client.server_capabilities, 'executeCommandProvider', 'commands') or {}
  local found = vim.tbl_keys(own)
  for _, name in ipairs(listed) do
    name = name:gsub('^wainwright%.', '')
    if not own[name] then table.insert(found, name) end
  end
  table.sort(found)
  return found
end

---@param name string
---@param words string[]
---@return table the argument of the command
local function argument(name, words)
  local kinds, given = takes[name] or { 'run' }, vim.empty_dict()
  for number, word in ipairs(words) do
    local kind = vim.iter(kinds):find(function(one)
      return given[one] == nil and known[one] ~= nil and vim.list_contains(known[one](), word)
    end)
    if kind then
      given[kind] = word
    else
      given[kinds[#kinds]] = table.concat(words, ' ', number)
      break
    end
  end
  return given
end

-- The place that is meant: what is selected, or the line of the cursor.
local function place(given, name, command)
  if name == 'why' then
    given.uri, given.line = vim.uri_from_bufnr(0), vim.api.nvim_win_get_cursor(0)[1] - 1
  elseif command.range > 0 or name == 'explain' then
    given.uri = vim.uri_from_bufnr(0)
    given.range = {
      start = { line = command.line1 - 1, character = 0 },
      ['end'] = { line = command.line2, character = 0 },
    }
  end
end

---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local name = command.fargs[1]
  if not name then
    vim.lsp.buf.code_action({ filter = function(action) return action.title:find('Wainwright', 1, true) ~= nil end })
    return
  end
  if not vim.list_contains(all(), name) then
    server.complain(server.here() and ('there is no command ' .. name) or 'it does not run here (yet)')
    return
  end
  local given = argument(name, vim.list_slice(command.fargs, 2))
  if name == 'review' and given.goal == nil and command.range == 0 then
    server.send('show', { document = 'change.diff' })
  elseif own[name] then
    own[name](given)
  else
    place(given, name, command)
    server.send(name, given)
  end
end

---@param line string the command line up to the cursor
---@return string[]
function M.complete(line)
  local words = vim.split(line:gsub('^.-Wainwright%s*', ''), '%s+')
  local lead, found = words[#words], {}
  if #words == 1 then
    found = all()
  else
    local given = argument(words[1], vim.list_slice(words, 2, #words - 1))
    for _, kind in ipairs(takes[words[1]] or { 'run' }) do
      if given[kind] == nil and known[kind] then vim.list_extend(found, known[kind]()) end
    end
  end
  return vim.tbl_filter(function(word) return vim.startswith(word, lead) end, found)
end

return M
