-- :Wainwright, its keys, and when the rest of this folder is loaded: not before something of it is needed.
if vim.g.loaded_wainwright then return end
vim.g.loaded_wainwright = true

vim.api.nvim_create_user_command('Wainwright', function(given) require('wainwright.command').run(given) end, {
  nargs = '*',
  range = true,
  desc = 'Send a command to Wainwright',
  complete = function(_, line, column) return require('wainwright.command').complete(line:sub(1, column)) end,
})

local group = vim.api.nvim_create_augroup('wainwright', {})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  desc = 'Show what Wainwright says of its own documents',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'wainwright' then require('wainwright.documents').attached(client, event.buf) end
  end,
})

vim.api.nvim_create_autocmd('LspProgress', {
  group = group,
  desc = 'Keep how far Wainwright is, for the status line',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'wainwright' then require('wainwright.progress').tell(event.data.params.value) end
  end,
})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = 'wainwright:/*',
  desc = 'Read one side of a change from the server',
  callback = function(event) require('wainwright.changes').read(event.buf) end,
})

for name, what in pairs({
  accept = 'Take the hunk in',
  reject = 'Leave the hunk out, and say why',
  change = 'Have the hunk made again, and say how',
  explain = 'Tell why the hunk is there',
  next = 'Go to the next hunk',
  previous = 'Go to the previous hunk',
}) do
  vim.keymap.set('n', ('<Plug>(wainwright-%s)'):format(name), function() require('wainwright.hunks')[name]() end, {
    desc = 'Wainwright: ' .. what,
  })
end
