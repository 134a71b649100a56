-- health.lua FILE: what :checkhealth says where all is well, and where the program is missing.
local person = require('person')

local function checked()
  vim.cmd('checkhealth wainwright')
  local text = person.text()
  vim.cmd.bwipeout()
  return text
end

local function says(text, ...)
  for _, part in ipairs({ ... }) do assert(text:find(part, 1, true), ('%s is not said:\n%s'):format(part, text)) end
end

person.open(arg[1])
local well = checked()
says(well, 'Neovim 0.', 'wainwright 0.', 'it runs in ' .. person.client().root_dir)
says(well, 'sandbox: ', 'keys: found: OPENAI_API_KEY', 'state: ')
assert(not well:find('ERROR', 1, true), well)
person.step(well)
vim.lsp.config('wainwright', { cmd = { 'no-such-program', 'serve' } })
says(checked(), 'ERROR', 'there is no program no-such-program', 'make setup')
person.leave()
