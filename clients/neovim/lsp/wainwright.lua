-- Wainwright for every buffer of a project. Change it with vim.lsp.config('wainwright', {...}).
return {
  cmd = { 'wainwright', 'serve' },
  root_markers = { 'wainwright.toml', '.wainwright', '.git' },
  workspace_required = true,
}
