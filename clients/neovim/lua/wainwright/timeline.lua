-- The timeline of a run: its stages, tasks and newest lines, beside the text and never in its way.
local server = require('wainwright.server')

local M = {}

-- Of what the server writes into `run.md`, what is looked at while a run is at work, and how many lines of it at
-- most: the last ones of what is newest, else the first.
local SHOWN = { [''] = 4, Decide = 4, Timeline = 9, Tasks = 20, Newest = 6, Failed = 4, Delivered = 2, Spent = 1 }
local WIDTH = 48

local view = { buf = nil, win = nil, run = nil, stop = nil }

local function page(run)
  local folder = run and server.folder(run)
  return folder and vim.fs.joinpath(folder, 'run.md')
end

-- The parts of a page in order: their headings, and their lines that are not empty.
local function parts(path)
  local found = { { name = '', lines = {} } }
  for line in io.lines(path) do
    local heading = line:match('^## (.*)')
    if heading then
      table.insert(found, { name = heading, lines = {} })
    elseif line ~= '' then
      table.insert(found[#found].lines, line)
    end
  end
  return found
end

local function read(run)
  local path = page(run)
  if not path or not vim.uv.fs_stat(path) then return { 'No run yet: :Wainwright start WHAT SHOULD BE TRUE' } end
  local lines = {}
  for _, part in ipairs(parts(path)) do
    local most = SHOWN[part.name]
    if most then
      if part.name ~= '' then table.insert(lines, '## ' .. part.name) end
      local first = part.name == 'Newest' and math.max(1, #part.lines - most + 1) or 1
      vim.list_extend(lines, part.lines, first, math.min(first + most - 1, #part.lines))
    end
  end
  return lines
end

local function is_open() return view.win ~= nil and vim.api.nvim_win_is_valid(view.win) end

local function float(lines)
  return {
    relative = 'editor', anchor = 'NE', row = 1, col = vim.o.columns - 1, style = 'minimal', border = 'rounded',
    width = math.min(WIDTH, vim.o.columns - 4), height = math.max(1, math.min(#lines, vim.o.lines - 6)),
    title = ' Wainwright ',
  }
end

local function render()
  if not is_open() then return end
  local lines = read(view.run)
  vim.bo[view.buf].modifiable = true
  vim.api.nvim_buf_set_lines(view.buf, 0, -1, false, lines)
  vim.bo[view.buf].modifiable = false
  if vim.api.nvim_win_get_config(view.win).relative ~= '' then vim.api.nvim_win_set_config(view.win, float(lines)) end
end

local function close()
  if view.stop then view.stop() end
  if is_open() then vim.api.nvim_win_close(view.win, true) end
  view = {}
end

local function follow(run)
  if view.stop then view.stop() end
  view.run, view.stop = run, nil
  local path = page(run)
  if path and vim.uv.fs_stat(vim.fs.dirname(path)) then
    view.stop = require('wainwright.documents').watch(path, render)
  end
  render()
end

local function follow_newest()
  server.send('runs', nil, function(found)
    local newest = found.runs[1]
    if is_open() then follow(newest and newest.run) end
  end)
end

local function show(how)
  local here = vim.api.nvim_get_current_win()
  view.buf = vim.api.nvim_create_buf(false, true)
  vim.bo[view.buf].bufhidden = 'wipe'
  if how == 'split' then
    vim.cmd(('botright vertical %dsplit'):format(WIDTH))
    view.win = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(view.win, view.buf)
    vim.wo[view.win].winfixwidth = true
    vim.api.nvim_set_current_win(here)
  else
    view.win = vim.api.nvim_open_win(view.buf, false, float({ '' }))
  end
  vim.wo[view.win].wrap, vim.wo[view.win].number, vim.wo[view.win].relativenumber = how == 'split', false, false
  vim.bo[view.buf].filetype = 'markdown'
  vim.keymap.set('n', 'q', close, { buffer = view.buf, desc = 'Wainwright: close the timeline' })
end

---Show a run, or whichever is the newest; `close` takes it away, as does asking for the float that is there.
---@param how 'float'|'split'|'close'
---@param run string?
function M.open(how, run)
  local was_open = is_open()
  close()
  if how == 'close' or (was_open and how == 'float' and not run) then return end
  show(how)
  if run then
    follow(run)
    return
  end
  render()
  follow_newest()
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('wainwright.timeline', {}),
    desc = 'Go over to the run that begins, as soon as it has a page',
    callback = function(event)
      if not is_open() then return true end
      if event.data.params.value.kind == 'begin' or not view.stop then follow_newest() end
    end,
  })
end

---The tasks of the newest run, as its plan names them.
---@return string[]
function M.tasks()
  local newest = (server.ask('runs').runs or {})[1]
  local path, found = page(newest and newest.run), {}
  for _, part in ipairs(path and vim.uv.fs_stat(path) and parts(path) or {}) do
    for _, line in ipairs(part.name == 'Tasks' and part.lines or {}) do
      table.insert(found, line:match('^%- [^:]+: ([^,]+),'))
    end
  end
  return found
end

return M
