-- A person in Neovim: what they are shown, what they type, and that they wait for what they see.
local M = {}

vim.o.verbose = 0 -- `-l` raises it, and then `expand()` fails where there is no word
M.said, M.bar, M.asked = {}, {}, {}
local meant
local SETTLES_MS = 1000

vim.notify = function(message) table.insert(M.said, message) end
if vim.fn.has('nvim-0.12') == 0 then
  -- It writes what a server says below the window, and tells nobody.
  vim.lsp.handlers['window/showMessage'] = function(_, shown)
    vim.notify('LSP[wainwright][Info] ' .. shown.message)
  end
end

-- A question that comes when nobody types is closed, which decides nothing, but for two.
vim.ui.select = function(items, options, choose)
  if options.kind == 'codeaction' then error('only one action should fit: ' .. options.prompt) end
  table.insert(M.asked, options.prompt)
  local wanted = options.prompt:find('Start the service', 1, true) and 'Do not start the service'
    or options.prompt:find('just as you chose', 1, true) and meant
  choose(vim.iter(items):find(function(item) return wanted and vim.startswith(item.title, wanted) end))
end

-- A line of text is typed where one is wanted.
vim.ui.input = function(options, answer)
  table.insert(M.asked, options.prompt)
  answer(options.prompt:find('hunk 1', 1, true) and 'Say what it returns.' or 'Not today.')
end

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event) table.insert(M.bar, event.data.params.value.message or '') end,
})

function M.step(name) io.stdout:write(name .. '\n') end

---Any condition that never holds ends the script, with what was shown until then.
function M.wait(what, true_now)
  if vim.wait(60000, true_now, 50) then
    M.step(what)
    return
  end
  local last = table.concat(vim.list_slice(M.bar, math.max(1, #M.bar - 5)), '\n  ')
  error(('never: %s\nsaid:\n  %s\nprogress:\n  %s'):format(what, table.concat(M.said, '\n  '), last))
end

---How often something was said.
function M.told(part)
  return #vim.tbl_filter(function(message) return message:find(part, 1, true) ~= nil end, M.said)
end

function M.hears(part, times)
  M.wait('told: ' .. part, function() return M.told(part) >= (times or 1) end)
end

function M.text(buf) return table.concat(vim.api.nvim_buf_get_lines(buf or 0, 0, -1, false), '\n') end

function M.has(part, buf) return M.text(buf):find(part, 1, true) ~= nil end

function M.type_keys(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'tx', false)
  vim.cmd('let &g:undolevels = &g:undolevels') -- ends the undo block, as waiting for the next key does
end

local function request(method, params)
  local found
  vim.lsp.buf_request(0, method, params, function(failure, result) found = failure and {} or result or {} end)
  vim.wait(5000, function() return found ~= nil end, 10)
  return found or {}
end

---What is offered where the cursor is, by a part of its title.
function M.offered(title)
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local actions = request('textDocument/codeAction', {
    textDocument = vim.lsp.util.make_text_document_params(),
    range = { start = { line = line, character = 0 }, ['end'] = { line = line, character = 0 } },
    context = { diagnostics = {} },
  })
  return vim.iter(actions):find(function(action) return action.title:find(title, 1, true) ~= nil end)
end

---Wait until an action is offered where the cursor is, and take it.
function M.take(title)
  M.wait('offered: ' .. title, function() return M.offered(title) ~= nil end)
  -- Who reads it chooses later than a click that was meant for something else: the server asks again before.
  vim.wait(SETTLES_MS)
  meant = title:gsub(':.*', '')
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action) return action.title:find(title, 1, true) ~= nil end,
  })
end

function M.client()
  return vim.lsp.get_clients({ name = 'wainwright', bufnr = 0 })[1]
end

---Open a file once it is there, and wait until the server has it.
function M.open(path)
  M.wait('there is ' .. vim.fs.basename(path), function() return vim.fn.filereadable(path) == 1 end)
  vim.cmd.edit(path)
  M.wait('attached to ' .. vim.fs.basename(path), function() return M.client() ~= nil and M.client().initialized end)
end

---Where the newest run's documents are.
function M.folder()
  return vim.fn.glob(M.client().config.root_dir .. '/.wainwright/runs/*/', false, true)[1]
end

function M.leave()
  local client = M.client()
  client.stop(vim.fn.has('nvim-0.11') == 1 and client or nil)
  M.wait('the server leaves', function()
    if vim.fn.has('nvim-0.11') == 1 then return client:is_stopped() end
    return client.is_stopped()
  end)
end

return M
