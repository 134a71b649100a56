-- :checkhealth wainwright
local M = {}

local health = vim.health

local function neovim()
  health.start('Neovim')
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim 0.11 or newer is needed, this is ' .. tostring(vim.version()))
    return false
  end
  health.ok('Neovim ' .. tostring(vim.version()))
  if vim.fn.has('nvim-0.12') == 0 then
    health.info('0.12 keeps lenses up to date by itself; here they are asked for when you come to a buffer or rest')
  end
  return true
end

-- The words that start the program, and those that `serve` is given.
local function words_of(command)
  for number, word in ipairs(command) do
    if word == 'serve' then return vim.list_slice(command, 1, number - 1), vim.list_slice(command, number + 1) end
  end
  return command, {}
end

local function said(command, ...)
  local words = vim.list_extend(vim.list_slice(command), { ... })
  local started, running = pcall(vim.system, words, { text = true })
  return started and running:wait(60000) or { code = -1, stdout = '', stderr = running }
end

local function program(command)
  health.start('The server')
  if vim.fn.executable(command[1]) == 0 then
    health.error(('there is no program %s'):format(command[1]), {
      'build it with `make setup`, and put .venv/bin of Wainwright on your PATH',
      "or say where it is: vim.lsp.config('wainwright', { cmd = { '/path/to/wainwright', 'serve' } })",
    })
    return false
  end
  local version = said(command, '--version')
  if version.code ~= 0 then
    health.error(('%s does not start'):format(table.concat(command, ' ')), { vim.trim(version.stderr) })
    return false
  end
  health.ok(('%s (%s)'):format(vim.trim(version.stdout), vim.fn.exepath(command[1])))
  return true
end

local function attached()
  local clients = vim.lsp.get_clients({ name = 'wainwright' })
  for _, client in ipairs(clients) do
    health.ok(('it runs in %s; buffers: %d'):format(client.root_dir or '?', vim.tbl_count(client.attached_buffers)))
  end
  if #clients > 0 then return end
  if vim.lsp.is_enabled('wainwright') then
    health.warn('it is enabled and runs nowhere', {
      'open a file of a project: a folder with .git, .wainwright or wainwright.toml',
    })
  else
    health.warn('it is not enabled', { "put vim.lsp.enable('wainwright') into your init.lua" })
  end
end

-- The options of `serve` that say which model is asked, which `doctor` takes as well.
local function models_of(options)
  local taken = {}
  for number, word in ipairs(options) do
    if vim.list_contains({ '--model', '--api-base', '--api-key-env' }, word) then
      vim.list_extend(taken, { word, options[number + 1] })
    end
  end
  return taken
end

-- What `wainwright doctor` says: a line each, with what to do on the lines below it.
local function doctor(command, options)
  health.start('This machine, as `wainwright doctor` sees it')
  local client = vim.lsp.get_clients({ name = 'wainwright' })[1]
  local place = client and client.root_dir or vim.fn.getcwd()
  local answer = said(command, 'doctor', '-w', place, unpack(models_of(options)))
  local tell = { ok = health.ok, note = health.warn, missing = health.error }
  local found = {}
  for line in vim.gsplit(answer.stdout, '\n', { trimempty = true }) do
    local status, detail = line:match('^(%l+)%s+(.+)')
    if tell[status] then
      table.insert(found, { status = status, detail = detail, advice = {} })
    elseif #found > 0 then
      table.insert(found[#found].advice, vim.trim(line))
    end
  end
  for _, one in ipairs(found) do tell[one.status](one.detail, one.status ~= 'ok' and one.advice or nil) end
  if #found == 0 then health.error('`wainwright doctor` said nothing', { vim.trim(answer.stderr) }) end
end

function M.check()
  if not neovim() then return end
  local config = vim.lsp.config.wainwright
  if type(config.cmd) ~= 'table' then
    health.info('`cmd` is a function: what it starts is not looked at')
    attached()
    return
  end
  local command, options = words_of(config.cmd)
  if program(command) then
    attached()
    doctor(command, options)
  end
end

return M
