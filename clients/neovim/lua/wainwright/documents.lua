-- What the server says of documents: of its own, at their words; of the person's, what was found in them.
local M = {}

local watched = {}

local function is_ours(name)
  return name:find('/.wainwright/', 1, true) ~= nil or vim.startswith(name, 'wainwright:')
end

-- Neovim 0.12 keeps lenses up to date by itself.
local function show_lenses(buf)
  if vim.lsp.codelens.enable then
    vim.lsp.codelens.enable(true, { bufnr = buf })
    return
  end
  vim.lsp.codelens.refresh({ bufnr = buf })
  vim.api.nvim_create_autocmd({ 'BufEnter', 'CursorHold', 'InsertLeave', 'BufReadPost' }, {
    buffer = buf,
    callback = function() vim.lsp.codelens.refresh({ bufnr = buf }) end,
  })
end

---Call back, in the main loop, when a file in a folder was written; returns what ends that.
---@param path string
---@param changed fun()
---@return fun()
function M.watch(path, changed)
  local event = assert(vim.uv.new_fs_event())
  local name = vim.fs.basename(path)
  -- The folder, since a file that is replaced as a whole is another one.
  event:start(vim.fs.dirname(path), {}, function(_, file)
    if file == name then vim.schedule(changed) end
  end)
  return function()
    if not event:is_closing() then event:close() end
  end
end

-- The server writes its documents anew; whoever has written into one reads it again by themselves.
local function keep_up(buf)
  if watched[buf] then return end
  local path = vim.api.nvim_buf_get_name(buf)
  if not vim.uv.fs_stat(path) then return end
  local stop = M.watch(path, function()
    if vim.api.nvim_buf_is_loaded(buf) and not vim.bo[buf].modified then
      vim.cmd.checktime({ buf, mods = { silent = true } })
    end
  end)
  watched[buf] = true
  vim.bo[buf].autoread = true
  vim.api.nvim_create_autocmd('BufUnload', {
    buffer = buf,
    once = true,
    callback = function()
      watched[buf] = nil
      stop()
    end,
  })
end

-- What was found is read in the text, unless the person has diagnostics shown their own way there.
local function show_messages(client)
  local config = vim.diagnostic.config()
  if not (config.virtual_text or config.virtual_lines) then
    vim.diagnostic.config({ virtual_text = true }, vim.lsp.diagnostic.get_namespace(client.id))
  end
end

---@param client vim.lsp.Client
---@param buf integer
function M.attached(client, buf)
  show_messages(client)
  local name = vim.api.nvim_buf_get_name(buf)
  if not is_ours(name) then return end
  show_lenses(buf)
  vim.lsp.inlay_hint.enable(true, { bufnr = buf })
  if vim.startswith(name, 'wainwright:') or vim.fs.basename(name) == 'change.diff' then
    require('wainwright.hunks').set_keys(buf)
  end
  keep_up(buf)
end

---What was found, in the quickfix list.
function M.findings()
  local server = require('wainwright.server')
  local client = server.here()
  local namespace = client and vim.lsp.diagnostic.get_namespace(client.id)
  if not namespace or #vim.diagnostic.get(nil, { namespace = namespace }) == 0 then
    server.complain('nothing was found')
    return
  end
  vim.diagnostic.setqflist({ namespace = namespace, title = 'Wainwright: findings' })
end

return M
