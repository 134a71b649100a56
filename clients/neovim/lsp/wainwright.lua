-- Wainwright for every buffer of a project. Change it with vim.lsp.config('wainwright', {...}).
return {
  cmd = { 'wainwright', 'serve' },
  root_markers = { 'wainwright.toml', '.wainwright', '.git' },
  workspace_required = true,
  capabilities = {
    workspace = { textDocumentContent = { dynamicRegistration = false } },
    experimental = { wainwright = { input = true, changes = true, events = false } },
  },
  handlers = {
    -- The server asks for a line of text: the reason of a refusal, an answer, a note.
    ['wainwright/input'] = function(_, asked)
      local waiting = coroutine.running()
      vim.schedule(function()
        if asked.secret then -- `vim.ui.input` shows what is typed, and plugins keep it
          local typed = vim.fn.inputsecret(asked.prompt .. ' ')
          coroutine.resume(waiting, { text = typed ~= '' and typed or vim.NIL })
          return
        end
        vim.ui.input({ prompt = asked.prompt .. ' ', default = asked.value }, function(text)
          coroutine.resume(waiting, { text = text or vim.NIL })
        end)
      end)
      return coroutine.yield()
    end,
    ['wainwright/changes'] = function(_, change, context)
      require('wainwright.changes').show(change, context.client_id)
    end,
    ['window/showMessage'] = function(_, said) require('wainwright.messages').show(said) end,
    ['window/logMessage'] = function(_, said) require('wainwright.messages').keep(said) end,
  },
}
