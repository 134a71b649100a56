-- What the server says: in a line below the window, where it has room there; all of it in a log of our own, for
-- Neovim's has none of it unless told to.
local M = {}

local NAME = 'Wainwright: '
local LINES_MAX = 2000
local log

local function page()
  if log and vim.api.nvim_buf_is_valid(log) then return log end
  log = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(log, 0, -1, false, { 'What Wainwright has said since this Neovim began.' })
  vim.bo[log].modifiable = false
  return log
end

---Keep something to be looked up.
---@param said lsp.LogMessageParams
function M.keep(said)
  local lines = vim.tbl_map(function(line) return os.date('%H:%M:%S  ') .. line end, vim.split(said.message, '\n'))
  vim.bo[page()].modifiable = true
  vim.api.nvim_buf_set_lines(log, -1, -1, false, lines)
  vim.api.nvim_buf_set_lines(log, 1, math.max(1, vim.api.nvim_buf_line_count(log) - LINES_MAX), false, {})
  vim.bo[log].modifiable = false
end

local function fits(line) return vim.fn.strdisplaywidth(line) <= vim.v.echospace end

-- After a longer line Neovim asks for Enter, and takes a key that was meant for a text.
local function in_a_line(text)
  if fits(NAME .. text) then return NAME .. text end
  if fits(text) then return text end
  while not fits(text .. '…') do text = vim.fn.strcharpart(text, 0, vim.fn.strchars(text) - 1) end
  return text .. '…'
end

---Tell something: a line below the window, more than that beside the cursor until it moves.
---@param said lsp.ShowMessageParams
function M.show(said)
  M.keep(said)
  local lines = vim.split(vim.trim(said.message), '\n')
  if #lines == 1 then
    vim.notify(in_a_line(lines[1]), math.max(vim.log.levels.DEBUG, vim.log.levels.ERROR + 1 - said.type))
  else
    vim.lsp.util.open_floating_preview(lines, 'text', { border = 'rounded', max_width = 80, focus_id = 'wainwright' })
  end
end

---Open what was said, at its end.
function M.open()
  vim.cmd.sbuffer(page())
  vim.cmd.normal({ 'G', bang = true })
end

return M
