-- folder.lua FILE GOAL: what our folder adds to a run: the command with its completion, the timeline, what stands
-- beside the words of our own documents, keys on hunks, both sides of a change, findings, and how far it is.
local person = require('person')
local step, wait, has, take, hears = person.step, person.wait, person.has, person.take, person.hears
local file, goal = arg[1], arg[2]

local function complete(line) return vim.fn.getcompletion('Wainwright ' .. line, 'cmdline') end

local function offers(line, ...)
  local found = complete(line)
  for _, word in ipairs({ ... }) do
    assert(vim.list_contains(found, word), ('%s is not completed to %s: %s'):format(line, word, vim.inspect(found)))
  end
end

local function shown(win) return person.text(vim.api.nvim_win_get_buf(win)) end

local function floats()
  return vim.tbl_filter(function(win)
    return vim.api.nvim_win_get_config(win).relative ~= ''
  end, vim.api.nvim_list_wins())
end

-- Nothing is loaded, and nothing done, before something of it is needed.
assert(package.loaded['wainwright.command'] == nil)
vim.cmd('Wainwright runs')
assert(person.told('does not run here') == 1)
assert(package.loaded['wainwright.timeline'] == nil)

person.open(file)
local here, win = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
assert(complete('st')[1] == 'start' and complete('st')[2] == 'stop' and #complete('st') == 2)
offers('', 'approve', 'cost', 'diff', 'findings', 'goal', 'log', 'review', 'rewind', 'runs', 'timeline', 'trust')
vim.cmd('Wainwright nonsense')
assert(person.told('there is no command nonsense') == 1)
vim.cmd('Wainwright findings')
assert(person.told('nothing was found') == 1)
step('the command completes')

-- The timeline follows the run that begins, and the cursor stays where it is.
vim.cmd('Wainwright timeline')
assert(vim.api.nvim_get_current_win() == win)
local float = floats()[1]
wait('the timeline is empty', function() return shown(float):find('No run yet', 1, true) ~= nil end)
vim.cmd('Wainwright start ' .. goal)
wait('the timeline shows the stages', function() return shown(float):find('[>] PLANNING', 1, true) ~= nil end)
wait('how far it is', function() return vim.startswith(vim.g.wainwright or '', 'PLANNING') end)
local function bar(width) return vim.api.nvim_eval_statusline(vim.o.statusline, { maxwidth = width }).str end
local narrow = (bar(200):find('PLANNING', 1, true)) + 30
assert(vim.startswith(bar(200), bar(narrow):sub(1, narrow - 1)), 'the line is not cut at its end: ' .. bar(narrow))
hears('Is the plan')
wait('the timeline asks', function() return shown(float):find('## Decide', 1, true) ~= nil end)
assert(not shown(float):find('## Picture', 1, true) and not shown(float):find('## Your notes', 1, true))
local run = vim.fs.basename((person.folder():gsub('/$', '')))
offers('show ', 'run.md', 'plan.md', run)
offers('approve plan', 'plan-1')
offers('task ', 'pause', 'skip')
offers('task pause ', 'subtract')
offers('cancel ', run)
assert(vim.api.nvim_get_current_win() == win and vim.api.nvim_get_current_buf() == here)

-- Beside the words of the plan.
person.open(person.folder() .. 'plan.md')
local plan = vim.api.nvim_get_current_buf()
wait('the plan has lenses', function() return #vim.lsp.codelens.get({ bufnr = 0 }) > 0 end)
assert(vim.lsp.inlay_hint.is_enabled({ bufnr = 0 }))
assert(not vim.lsp.inlay_hint.is_enabled({ bufnr = here }), "the person's own files stay as they are")

-- What the server writes is read again by itself.
person.open(person.folder() .. 'run.md')
local page = vim.api.nvim_get_current_buf()
vim.api.nvim_win_set_buf(win, plan)
vim.cmd('Wainwright approve plan-1')
wait('the page is read again', function() return has('[>] BUILD', page) end)
wait('the plan tells how far a task is', function()
  return vim.iter(vim.lsp.inlay_hint.get({ bufnr = plan })):any(function(hint)
    return tostring(hint.inlay_hint.label):find('running', 1, true) ~= nil
      or tostring(hint.inlay_hint.label):find('landed', 1, true) ~= nil
  end)
end)
hears('Take the change over?')
wait('the timeline shows the task', function() return shown(float):find('landed: subtract', 1, true) ~= nil end)

-- Keys on the page of the change.
vim.cmd('Wainwright diff')
wait('the change is open, and has its keys', function()
  local name = vim.api.nvim_buf_get_name(0)
  return vim.endswith(name, '/change.diff') and vim.fn.maparg('gx', 'n') == '<Plug>(wainwright-reject)'
end)
local elsewhere = vim.api.nvim_buf_call(here, function() return vim.fn.maparg('ga', 'n') end)
assert(elsewhere == '', 'keys are in that buffer alone')
vim.api.nvim_win_set_cursor(0, { 1, 0 })
local function at_hunk(number) return vim.api.nvim_get_current_line():find('hunk ' .. number, 1, true) ~= nil end
vim.cmd.normal(']c')
assert(at_hunk(1))
vim.cmd.normal(']c')
assert(at_hunk(2))
vim.cmd.normal('[c')
assert(at_hunk(1))
vim.cmd.normal('g?')
wait('the hunk is explained', function()
  return vim.iter(floats()):any(function(one) return shown(one):find('It serves R1', 1, true) ~= nil end)
end)
vim.cmd.normal('ga')
hears('Hunk 1 is taken over when you approve')
vim.cmd.normal('gC')
hears('Hunk 1 is built again with your words')
wait('the question is asked', function()
  return vim.iter(person.asked):any(function(prompt) return prompt:find('How should hunk 1 be', 1, true) ~= nil end)
end)

-- Both sides of it.
vim.cmd('Wainwright review')
wait('both sides are shown', function()
  return #vim.api.nvim_list_tabpages() == 2 and #vim.api.nvim_tabpage_list_wins(0) == 2
end)
local left, right = unpack(vim.api.nvim_tabpage_list_wins(0))
wait('and read', function()
  return shown(right):find('def sub', 1, true) ~= nil and shown(left):find('def add', 1, true) ~= nil
end)
assert(vim.wo[left].diff and vim.wo[right].diff and not shown(left):find('def sub', 1, true))
assert(vim.wo[right].statusline:find('after of calc/__init__.py (1 of 2)', 1, true), vim.wo[right].statusline)
assert(vim.api.nvim_get_current_win() == right)
local uri = vim.uri_from_bufnr(0)
assert(vim.startswith(uri, 'wainwright:') and not vim.bo.modifiable and vim.bo.filetype == 'python')
wait('the server is told of it', function() return person.client() ~= nil end)
vim.fn.search('def sub')
vim.cmd.normal('ga')
hears('Hunk 1 is taken over when you approve', 2)
vim.cmd.normal(']f')
wait('the next file', function() return shown(right):find('def test_sub', 1, true) ~= nil end)
assert(shown(left) == '', 'it is new')
vim.cmd.normal('[f')
wait('and back', function() return vim.uri_from_bufnr(0) == uri end)
vim.cmd.normal('q')
assert(#vim.api.nvim_list_tabpages() == 1)

-- To the end.
vim.api.nvim_win_set_buf(win, here)
vim.cmd('Wainwright approve')
hears('DONE')
wait('the finding is a diagnostic', function() return #vim.diagnostic.get(here) == 1 end)
local namespace = vim.lsp.diagnostic.get_namespace(person.client().id)
assert(vim.diagnostic.config(nil, namespace).virtual_text)
vim.cmd('Wainwright findings')
local list = vim.fn.getqflist({ items = true, title = true })
assert(list.title == 'Wainwright: findings' and #list.items == 1 and list.items[1].bufnr == here)
assert(vim.bo.buftype == 'quickfix')
vim.cmd.close()

-- What was said, what it took, and which run it was.
vim.cmd('Wainwright log')
wait('all that was said is in the log', function() return has('DONE') end)
vim.cmd.close()
vim.cmd('Wainwright cost')
wait('what it took', function() return vim.api.nvim_get_current_line() == '## Spent' end)
vim.api.nvim_win_set_buf(win, here)
local chosen
vim.ui.select = function(items, options, choose)
  chosen = options.format_item(items[1])
  choose(items[1])
end
vim.cmd('Wainwright runs')
wait('the chosen run is shown', function() return vim.api.nvim_get_current_buf() == page end)
assert(vim.startswith(chosen, run .. '  DONE'), chosen)
vim.cmd('Wainwright goal')
assert(vim.endswith(vim.api.nvim_buf_get_name(0), '/.wainwright/goal.md'))
vim.cmd('Wainwright timeline split')
wait('the timeline is beside', function()
  local wins = vim.api.nvim_tabpage_list_wins(0)
  return #floats() == 0 and #wins == 2 and shown(wins[2]):find('[x] BUILD', 1, true) ~= nil
end)
assert(vim.api.nvim_get_current_win() == win)
vim.cmd('Wainwright timeline close')
assert(#vim.api.nvim_tabpage_list_wins(0) == 1)
vim.api.nvim_win_set_buf(win, here)
person.leave()
