-- What the server says beside what pops up: Neovim's own log has none of it unless told to.
local M = {}

local LINES_MAX = 2000
local lines = {}

---@param said lsp.LogMessageParams
function M.add(said)
  for _, line in ipairs(vim.split(said.message, '\n')) do table.insert(lines, os.date('%H:%M:%S  ') .. line) end
  while #lines > LINES_MAX do table.remove(lines, 1) end
end

---Open it as it is now.
function M.open()
  vim.cmd.new()
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(0, 0, -1, false, #lines > 0 and lines or { 'Wainwright has said nothing yet.' })
  vim.bo.modifiable = false
  vim.cmd.normal({ 'G', bang = true })
end

return M
