-- Puts a token where the next filters look for it, whichever way the client sends it, before anything else sees the
-- request: nothing logs or traces a token. Envoy pastes this file into its configuration (render-config.ts).

-- Browsers can give a WebSocket and an EventSource no header: their token is in the query, under either name.
local names = { access_token = true, token = true }

-- The query without tokens, and the first of these.
local function without_tokens(query)
  local kept, token = {}, nil
  for pair in query:gmatch('[^&]+') do
    local name, value = pair:match('^([^=]*)=?(.*)$')
    if names[name] then
      if token == nil and value ~= '' then token = value end
    else
      kept[#kept + 1] = pair
    end
  end
  return table.concat(kept, '&'), token
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(':path') or '/'
  local at = path:find('?', 1, true)
  if at then
    local query, token = without_tokens(path:sub(at + 1))
    local before = path:sub(1, at - 1)
    local clean = query == '' and before or before .. '?' .. query
    if clean ~= path then headers:replace(':path', clean) end
    -- Whoever sends both means the header.
    if token and headers:get('authorization') == nil then headers:add('authorization', 'Bearer ' .. token) end
  end
  -- Older clients send the token alone. Several headers stay several: the next filter refuses them.
  if headers:getNumValues('authorization') == 1 then
    local value = headers:get('authorization')
    local token = value:match('^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+)$') or value:match('^(%S+)$')
    if token then headers:replace('authorization', 'Bearer ' .. token) end
  end
end
