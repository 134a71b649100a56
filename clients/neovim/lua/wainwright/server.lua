-- The server that is meant, and its commands.
local M = {}

---The server of this buffer, else any that runs; nil where there is none.
---@return vim.lsp.Client?
function M.here()
  return vim.lsp.get_clients({ name = 'wainwright', bufnr = 0 })[1] or vim.lsp.get_clients({ name = 'wainwright' })[1]
end

---@param text string
function M.complain(text)
  require('wainwright.messages').show({ type = vim.lsp.protocol.MessageType.Warning, message = text })
end

---Send a command; what is wrong with it is told.
---@param name string without its prefix
---@param argument table?
---@param done fun(result: any)?
function M.send(name, argument, done)
  local client = M.here()
  if not client then
    M.complain('it does not run here (yet), see :checkhealth wainwright')
    return
  end
  local command = { title = name, command = 'wainwright.' .. name, arguments = { argument or vim.empty_dict() } }
  client:exec_cmd(command, nil, function(failure, result)
    if failure then
      M.complain(failure.message)
    elseif done then
      done(result)
    end
  end)
end

---Ask for what a command answers, for at most a second; an empty table where nothing came.
---@param name string without its prefix
---@return table
function M.ask(name)
  local client = M.here()
  local params = { command = 'wainwright.' .. name, arguments = { vim.empty_dict() } }
  local answer = client and client:request_sync('workspace/executeCommand', params, 1000)
  return answer and type(answer.result) == 'table' and answer.result or {}
end

---Where the documents of a run lie.
---@param run string
---@return string?
function M.folder(run)
  local client = M.here()
  return client and client.root_dir and vim.fs.joinpath(client.root_dir, '.wainwright', 'runs', run)
end

return M
