-- A person in Neovim: `nvim -u INIT -l neovim.lua FILE GOAL`. Any failure ends it with a message and a code.
local file, goal = arg[1], arg[2]
vim.o.verbose = 0 -- `-l` raises it, and then `expand()` fails where there is no word
local said, bar = {}, {}

-- What the person is shown: messages, and how far it is.
vim.notify = function(message) table.insert(said, message) end
-- A question that comes when nobody types: all but one are closed, which decides nothing.
local asked = {}
vim.ui.select = function(items, options, choose)
  if options.kind ~= 'lsp_message' then
    error('only one action should fit')
  end
  table.insert(asked, options.prompt)
  local wanted = options.prompt:find('Start the service', 1, true) and 'Start the service on port '
    or options.prompt:find('just as you chose', 1, true) and 'Take the change over'
    or nil
  choose(vim.iter(items):find(function(item) return wanted and vim.startswith(item.title, wanted) end))
end
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event) table.insert(bar, event.data.params.value.message or '') end,
})

local function step(name) io.stdout:write(name .. '\n') end

local function wait(what, true_now)
  if vim.wait(60000, true_now, 20) then
    step(what)
    return
  end
  local seen = table.concat(vim.list_slice(bar, math.max(1, #bar - 5)), '\n  ')
  error(('never: %s\nsaid:\n  %s\nprogress:\n  %s'):format(what, table.concat(said, '\n  '), seen))
end

local function told(part)
  return vim.iter(said):any(function(message) return message:find(part, 1, true) ~= nil end)
end

local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n') end

local function has(part) return text():find(part, 1, true) ~= nil end

local function type_keys(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'tx', false)
  vim.cmd('let &g:undolevels = &g:undolevels') -- ends the undo block, as waiting for the next key does
end

local function take(title)
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action) return action.title:find(title, 1, true) ~= nil end,
  })
end

local function client() return vim.lsp.get_clients({ name = 'wainwright', bufnr = 0 })[1] end

local function command(name, argument)
  client():exec_cmd({ title = name, command = 'wainwright.' .. name, arguments = { argument or vim.empty_dict() } })
end

vim.cmd.edit(file)
wait('the server is attached', function() return client() ~= nil and client().initialized end)
type_keys('3GA  # only in the buffer<Esc>')

if vim.fn.exists(':Wainwright') == 2 then
  vim.cmd('Wainwright start ' .. goal)
else
  type_keys('O# TODO: ' .. goal .. '<Esc>')
  local offered = false
  wait('the work is offered', function()
    vim.lsp.buf_request(0, 'textDocument/codeAction', {
      textDocument = vim.lsp.util.make_text_document_params(),
      range = { start = { line = 2, character = 0 }, ['end'] = { line = 2, character = 0 } },
      context = { diagnostics = {} },
    }, function(_, actions) offered = offered or #(actions or {}) > 0 end)
    return vim.wait(500, function() return offered end)
  end)
  vim.api.nvim_win_set_cursor(0, { 3, 0 })
  take('Do this TODO')
end

wait('the plan gate is told', function() return told('Is the plan') and told('Answer by code action') end)
type_keys('ggA typed meanwhile<Esc>')
assert(has('typed meanwhile'), 'a question took the keys')
take('Approve the plan: Is the plan')
wait('it is built', function()
  return vim.iter(bar):any(function(message) return vim.startswith(message, 'BUILD') end)
end)

wait('the change is offered', function() return told('Take the change over?') end)
assert(not has('def sub'), 'nothing is changed before the gate')
take('Take the change over: ')
wait('the edit arrives', function() return has('def sub') end)
assert(has('typed meanwhile') and has('only in the buffer'), 'what was typed is lost')
assert(vim.bo.modified, 'saving is the person\'s business')
vim.cmd.undo()
assert(not has('def sub') and has('typed meanwhile'), 'one undo takes back the edit and nothing else')
vim.cmd.redo()
assert(has('def sub'))
step('one undo takes it back')

wait('the deployment is told', function() return told('Start the service') end)
wait('and asked for', function()
  return vim.iter(asked):any(function(prompt) return prompt:find('Start the service', 1, true) ~= nil end)
end)
wait('the end is told', function() return told('DONE') end)
wait('the remark is a diagnostic', function() return #vim.diagnostic.get(0) == 1 end)
step('diagnostic: ' .. vim.diagnostic.get(0)[1].message:gsub('\n', ' '))

local here = vim.api.nvim_get_current_buf()
command('show')
wait('the run is shown', function() return vim.endswith(vim.api.nvim_buf_get_name(0), '/run.md') end)
vim.api.nvim_set_current_buf(here)
command('revert')
wait('the change is taken back', function() return told('was taken back') end)
assert(not has('def sub'))
assert(has('typed meanwhile'))
for _, message in ipairs(said) do
  step('said: ' .. message)
  assert(not message:find('\n') and #message < 110, 'two lines ask for Enter')
end
local one = client()
one:stop()
wait('the server leaves', function() return one:is_stopped() end)
