-- story.lua FILE GOAL: from a goal to its end and back. Where there is `:Wainwright` the person uses it and its keys,
-- else code actions and the documents alone.
local person = require('person')
local step, wait, has, take, hears = person.step, person.wait, person.has, person.take, person.hears
local file, goal = arg[1], arg[2]
local with_folder = vim.fn.exists(':Wainwright') == 2

person.open(file)
local here = vim.api.nvim_get_current_buf()
person.type_keys('3GA  # only in the buffer<Esc>')

-- The goal.
if with_folder then
  vim.cmd('Wainwright start ' .. goal)
else
  person.type_keys('O# TODO: ' .. goal .. '<Esc>')
  take('Do this TODO')
end
hears('Is the plan')
assert(person.told('Answer by code action') > 0)
person.type_keys('ggA typed meanwhile<Esc>')
assert(has('typed meanwhile'), 'a question took the keys')

-- The plan is edited, and counts as it was saved.
person.open(person.folder() .. 'plan.md')
vim.cmd([[%s/to calc\/__init__.py\.$/to calc\/__init__.py, and think of Euclid./]])
vim.cmd.write()
hears('The plan is edited')
vim.api.nvim_set_current_buf(here)

-- What cannot be built is planned again, and the plan asked about; then somebody has to say what is meant.
local approved = {}
local function approve_plans_until(part)
  wait('told: ' .. part, function()
    local action = person.offered('Approve the plan: Is the plan')
    local gate = action and action.command.arguments[1].gate
    if gate and not approved[gate] then
      approved[gate] = true
      take('Approve the plan: Is the plan')
    end
    return person.told(part) > 0
  end)
end
approve_plans_until('subtract cannot be')
assert(vim.iter(person.bar):any(function(message) return vim.startswith(message, 'BUILD') end))
if with_folder then
  vim.cmd('Wainwright answer Whole numbers only.')
else
  person.open(person.folder() .. 'run.md')
  wait('the question is on the page', function()
    vim.cmd.checktime()
    return vim.fn.search('^In your words', 'cw') > 0
  end)
  person.type_keys('o> Whole numbers only.<Esc>')
  take('Answer in words')
  vim.api.nvim_set_current_buf(here)
end

-- One hunk is rejected with a reason; it comes back changed.
approve_plans_until('Take the change over?')
assert(not has('def sub'), 'nothing is changed before the gate')
person.open(person.folder() .. 'change.diff')
assert(vim.fn.search('hunk 1') > 0)
if with_folder then
  vim.cmd.normal('gx')
else
  person.type_keys('/return a - b<CR>o> Say what it returns.<Esc>')
  take('Reject hunk 1')
end
hears('Hunk 1 is left out, and built again')
vim.cmd.edit({ bang = true })
vim.api.nvim_set_current_buf(here)
take('Take the change over: ')
hears('Take the change over?', 2)
assert(not has('def sub'), 'what was rejected is not handed over')
take('Take the change over: ')
wait('the edit arrives', function() return has('def sub') end)
assert(has('What is left of a without b'), 'as the words asked for')
assert(has('typed meanwhile') and has('only in the buffer'), 'what was typed is lost')
assert(vim.bo.modified, "saving is the person's business")
vim.cmd.undo()
assert(not has('def sub') and has('typed meanwhile'), 'one undo takes back the edit and nothing else')
vim.cmd.redo()
assert(has('def sub'))
step('one undo takes it back')

-- The end.
hears('Start the service')
wait('and asked for', function()
  return vim.iter(person.asked):any(function(prompt) return prompt:find('Start the service', 1, true) ~= nil end)
end)
hears('DONE')
wait('the remark is a diagnostic', function() return #vim.diagnostic.get(0) == 1 end)
step('diagnostic: ' .. vim.diagnostic.get(0)[1].message:gsub('\n', ' '))

-- One file is taken back.
person.open(person.folder() .. 'change.diff')
vim.cmd.edit({ bang = true })
assert(vim.fn.search('hunk 1') > 0)
take('Revert the change of calc/__init__.py')
hears('was taken back')
vim.api.nvim_set_current_buf(here)
assert(not has('def sub') and has('typed meanwhile'))

local room = with_folder and vim.v.echospace or 110 -- without our folder a hunk's words may ask for Enter
for _, message in ipairs(person.said) do
  step('said: ' .. message)
  assert(not message:find('\n') and vim.fn.strdisplaywidth(message) <= room, 'more than a line asks for Enter')
end
person.leave()
