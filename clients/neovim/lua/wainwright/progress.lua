-- How far Wainwright is, in `g:wainwright` and in a status line that nobody has set.
local M = {}

-- Cut at its end, where it is too long: what comes first says most.
local ITEM = "%{get(g:, 'wainwright', '')}%<"

local function show()
  local option = vim.api.nvim_get_option_info2('statusline', {})
  if option.was_set or vim.g.wainwright_statusline == false then return end
  vim.o.statusline = ('%%.40f %%h%%w%%m%%r %s%%=%%-14.(%%l,%%c%%V%%) %%P'):format(ITEM)
end

---@param value { kind: string, message: string? }
function M.tell(value)
  if value.kind == 'begin' then show() end
  if value.kind == 'end' then
    vim.g.wainwright = ''
  elseif value.message then
    vim.g.wainwright = value.message
  end
  vim.cmd.redrawstatus()
end

return M
