-- Keys on the hunks of a change. What can be done about the one under the cursor the server offers as code actions;
-- a key takes the one that fits.
local server = require('wainwright.server')

local M = {}

local KEYS = { ga = 'accept', gx = 'reject', gC = 'change', ['g?'] = 'explain' }
-- On the page alone: on the sides of a change these are Neovim's own, of its diff mode.
local WAYS = { [']c'] = 'next', ['[c'] = 'previous' }

---Keys in one buffer; who has mapped a <Plug> of these elsewhere has chosen their own.
---@param buf integer
function M.set_keys(buf)
  local on_page = not vim.startswith(vim.api.nvim_buf_get_name(buf), 'wainwright:')
  for key, name in pairs(on_page and vim.tbl_extend('error', KEYS, WAYS) or KEYS) do
    local plug = ('<Plug>(wainwright-%s)'):format(name)
    local mapped = vim.api.nvim_buf_call(buf, function() return vim.fn.hasmapto(plug, 'n') == 1 end)
    if not mapped then
      vim.keymap.set('n', key, plug, { buffer = buf, desc = 'Wainwright: ' .. name .. ' (hunk)' })
    end
  end
end

-- What the server offers for the one hunk under the cursor, by what it does.
local function offered(use)
  local client = server.here()
  if not client then return end
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {} }
  client:request('textDocument/codeAction', params, function(failure, actions)
    local found = {}
    for _, action in ipairs(not failure and actions or {}) do
      local command = action.command
      local argument = command and command.arguments and command.arguments[1] or {}
      local name = command and command.command:gsub('^wainwright%.', '')
      if name == 'explainHunk' or (argument.hunks and #argument.hunks == 1) then
        found[argument.decision or name] = found[argument.decision or name] or { name, argument, action.title }
      end
    end
    use(found)
  end, 0)
end

-- Take the first of these that is offered.
local function take(names, change)
  offered(function(found)
    for _, name in ipairs(names) do
      if found[name] then
        local command, argument, title = unpack(found[name])
        if change then
          change(command, argument, title)
        else
          server.send(command, argument)
        end
        return
      end
    end
    server.complain('nothing of the kind can be done about what is here')
  end)
end

-- Ask for words and send them along; whoever closes the question has decided nothing.
local function with_words(prompt, decision)
  return function(command, argument)
    if command ~= 'hunk' then
      server.send(command, argument)
      return
    end
    vim.ui.input({ prompt = prompt:format(argument.hunks[1]), default = argument.reason }, function(words)
      if words then
        server.send(command, vim.tbl_extend('force', argument, { decision = decision, reason = words }))
      end
    end)
  end
end

---Take the hunk in: with the yes, or again when it was taken back.
function M.accept() take({ 'accept', 'apply' }) end

---Leave the hunk out: it is built again with the words, or taken back out of the files.
function M.reject() take({ 'reject', 'revert' }, with_words('Why is hunk %d left out? ', 'reject')) end

---Have the hunk made again.
function M.change() take({ 'reject' }, with_words('How should hunk %d be? ', 'change')) end

---Tell why the hunk is there.
function M.explain() take({ 'explainHunk' }) end

---Go to the next hunk of the page.
function M.next() vim.fn.search('^@@ ', 'W') end

---Go to the previous hunk of the page.
function M.previous() vim.fn.search('^@@ ', 'bW') end

return M
