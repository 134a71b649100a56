-- A change side by side, in Neovim's diff mode. Both sides are documents of the server.
local M = {}

-- The server writes null where a side is missing, which some versions hand on as a value of its own.
local function side(uri) return type(uri) == 'string' and uri or nil end

local function path_of(uri) return vim.uri_decode(uri:match('^wainwright:/+([^?]*)')) end

---Fill a buffer whose name is the URI of a side.
---@param buf integer
function M.read(buf)
  local uri = vim.api.nvim_buf_get_name(buf)
  local server = require('wainwright.server')
  local asked = vim.b[buf].wainwright_client
  local client = asked and vim.lsp.get_client_by_id(asked) or server.here()
  if not client then return end
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = 'nofile', 'hide', false
  client:request('workspace/textDocumentContent', { uri = uri }, function(failure, content)
    if not vim.api.nvim_buf_is_loaded(buf) then return end
    if failure then
      server.complain(failure.message)
      return
    end
    local lines = vim.split(content.text, '\r?\n')
    if lines[#lines] == '' then table.remove(lines) end
    vim.bo[buf].modifiable = true
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
    vim.bo[buf].modifiable, vim.bo[buf].modified = false, false
    vim.bo[buf].filetype = vim.filetype.match({ filename = path_of(uri), buf = buf }) or 'text'
    vim.lsp.buf_attach_client(buf, client.id)
  end, buf)
end

-- A buffer of a side, or an empty one where the file is not there on it.
local function buffer(uri, client_id)
  if not uri then
    local none = vim.api.nvim_create_buf(false, true)
    vim.bo[none].bufhidden = 'wipe'
    return none
  end
  local buf = vim.fn.bufadd(uri)
  vim.b[buf].wainwright_client = client_id
  return buf
end

---Show the files of a change one after the other, in a tab page of their own.
---@param change wainwright.ChangesParams
---@param client_id integer
function M.show(change, client_id)
  if #change.files == 0 then return end
  vim.cmd.tabnew()
  vim.bo.bufhidden = 'wipe'
  local left = vim.api.nvim_get_current_win()
  vim.cmd('rightbelow vsplit')
  local right, at = vim.api.nvim_get_current_win(), 0

  local function turn(by)
    at = (at - 1 + by) % #change.files + 1
    local file = change.files[at]
    for which, win in pairs({ before = left, after = right }) do
      local buf = buffer(side(file[which]), client_id)
      vim.api.nvim_win_call(win, vim.cmd.diffoff)
      vim.api.nvim_win_set_buf(win, buf)
      vim.api.nvim_win_call(win, vim.cmd.diffthis)
      local title = ('%s of %s (%d of %d)'):format(which, path_of(side(file.after) or file.before), at, #change.files)
      vim.wo[win].statusline = title:gsub('%%', '%%%%')
      vim.keymap.set('n', ']f', function() turn(1) end, { buffer = buf, desc = 'Wainwright: the next file' })
      vim.keymap.set('n', '[f', function() turn(-1) end, { buffer = buf, desc = 'Wainwright: the previous file' })
      vim.keymap.set('n', 'q', vim.cmd.tabclose, { buffer = buf, desc = 'Wainwright: close the change' })
    end
  end
  turn(1)
end

return M
