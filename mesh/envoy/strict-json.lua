-- The transcoder's JSON parser is more lenient than JSON: it takes single quotes, keys without quotes, commas too many,
-- `5.`, unknown escapes and raw control characters. This refuses exactly that, and leaves all else to the parser. Each
-- step is one pass in C, and the cheapest that does; a filter before has bounded the body. Envoy pastes this file into
-- its configuration (render-config.ts).

local function has(text, part) return text:find(part, 1, true) ~= nil end

-- What is wrong with a text that the transcoder would take for JSON, or nil.
local function leniency_in(json)
  local has_controls = json:find('%c') ~= nil
  if has_controls and json:find('[%z\1-\8\11\12\14-\31]') then return 'Control characters must be escaped.' end
  if has(json, '\\') then
    json = json:gsub('\\["\\/bfnrt]', ''):gsub('\\u%x%x%x%x', '')
    if has(json, '\\') then return 'There is no such escape.' end
  end
  -- Strings become one character that can stand nowhere else, so that what is left is what stands between them.
  json = json:gsub(has_controls and '"[^"\9\10\13]*"' or '"[^"]*"', '\1')
  json = json:gsub('%s+', '')
  if has(json, "'") then return 'Strings stand in double quotes.' end
  if has(json, ',]') or has(json, ',}') then return 'There is a comma too many.' end
  if has(json, '.') and json:find('%d%.%D') then return 'Digits must follow the point.' end
  if has(json, ':') and json:find('[%w_$]:') then return 'Keys stand in double quotes.' end
  -- Of one quote that is left, which is a string without an end, the parser says so itself.
  if has(json, '"') and json:find('"[^"]*"') then return 'Control characters must be escaped.' end
end

function envoy_on_request(handle)
  local body = handle:body()
  if body == nil then return end
  local wrong = leniency_in(body:getBytes(0, body:length()))
  if wrong == nil then return end
  handle:respond({ [':status'] = '400' }, 'body: malformed JSON: ' .. wrong)
end
