-- Wainwright for every buffer of a project. Change it with vim.lsp.config('wainwright', {...}).
return {
  cmd = { 'wainwright', 'serve' },
  root_markers = { 'wainwright.toml', '.wainwright', '.git' },
  workspace_required = true,
  capabilities = { experimental = { wainwright = { input = true, events = false } } },
  handlers = {
    -- The server asks for a line of text: the reason of a refusal, an answer, a note.
    ['wainwright/input'] = function(_, asked)
      local waiting = coroutine.running()
      vim.schedule(function()
        vim.ui.input({ prompt = asked.prompt .. ' ', default = asked.value }, function(text)
          coroutine.resume(waiting, { text = text or vim.NIL })
        end)
      end)
      return coroutine.yield()
    end,
  },
}
