-- What the server says beside what pops up: Neovim's own log has none of it unless told to.
local M = {}

local LINES_MAX = 2000
local buf

local function page()
  if buf and vim.api.nvim_buf_is_valid(buf) then return buf end
  buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, { 'What Wainwright has said since this Neovim began.' })
  vim.bo[buf].modifiable = false
  return buf
end

---@param said lsp.LogMessageParams
function M.add(said)
  local lines = vim.tbl_map(function(line) return os.date('%H:%M:%S  ') .. line end, vim.split(said.message, '\n'))
  vim.bo[page()].modifiable = true
  vim.api.nvim_buf_set_lines(buf, -1, -1, false, lines)
  vim.api.nvim_buf_set_lines(buf, 1, math.max(1, vim.api.nvim_buf_line_count(buf) - LINES_MAX), false, {})
  vim.bo[buf].modifiable = false
end

---Open it, at its end.
function M.open()
  vim.cmd.sbuffer(page())
  vim.cmd.normal({ 'G', bang = true })
end

return M
